"""Everything behind the results of an evaluation, as JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.callbacks.evaluation_summary import caveats
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts

SCHEMA_VERSION = 1
CONTENT = signature(rb'\{\n "schema_version": \d+,\n "froq_lightning": "')


def write_json(path: Path, evaluation: Evaluation) -> None:
    """Write results with their curves, parameters of methods and conventions, and images left out: all but times."""
    text = json.dumps(finite(_content(evaluation)), indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_write(path, CONTENT) as place:
        place.write_text(text + "\n", encoding="utf-8")


def _content(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "froq_lightning": metadata.version("froq-lightning"),
        "backbone": evaluation.backbone,
        "fmr": evaluation.fmr,
        "conventions": [_convention(convention) for convention in evaluation.conventions],
        "methods": [_method(method) for method in evaluation.methods],
        "sets": [_set(one) for one in evaluation.sets],
        "remarks": caveats(evaluation),
        "results": [asdict(result) for result in evaluation.results],
        "oracles": [asdict(result) for result in evaluation.oracles],
        "thresholds": [asdict(each) for each in evaluation.thresholds],
    }


def _convention(convention: Convention) -> dict[str, Any]:
    return asdict(convention) | {"in_words": convention.describe(), "higher_is_better": convention.higher_is_better}


def _method(method: MethodFacts) -> dict[str, Any]:
    return {name: value for name, value in asdict(method).items() if name != "milliseconds"}


def _set(one: EvaluatedSet) -> dict[str, Any]:
    mated = int(one.trials.mated.sum())
    counts = {"images": one.images, "subjects": len(np.unique(one.trials.subjects))}
    trials = {"mated": mated, "non_mated": len(one.trials.mated) - mated}
    return {"name": one.name, "note": one.note, **counts, **trials, "left_out": one.left_out}


def finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not have, by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value
