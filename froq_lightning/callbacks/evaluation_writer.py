"""After `test`: every figure as CSV, everything behind the figures as JSON, and the tables for the terminal."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.caveats import caveats, left_out
from froq_lightning.callbacks.figure_table import FigureTable, figure_tables
from froq_lightning.callbacks.outputs import OutputWriter, require_suffix
from froq_lightning.callbacks.tables import table_signature, write_csv
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts, Result
from froq_lightning.module import FroqModule
from froq_lightning.terminal import text_table

SCHEMA_VERSION = 1
FIGURES = tuple(field.name for field in fields(Result) if field.name not in ("fractions", "curve"))
COLUMNS = (*FIGURES, "milliseconds", "convention_in_words")
FAILURES_SHOWN = 5
CONTENT = signature(rb'\{\n "schema_version": \d+,\n "froq_lightning": "')


class EvaluationWriter(OutputWriter):
    """Writes the figures, prints them, and writes what they rest on (`results.csv`, `results.json`).

    The CSV has a row for every data set, method, convention and FMR. The JSON adds the curves, the parameters of
    methods and conventions, and the images left out. Both are the same for the same inputs, but for `milliseconds`,
    `pass_milliseconds` and `times_bare_pass`, which are measured. A figure that is not defined is empty, or null.

    Args:
        path: of the table: .csv or .txt, or .tsv; without a suffix CSV.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        require_suffix("the figures", self.path, ("", ".csv", ".tsv", ".txt"))
        self.content = self.path.with_suffix(".json")

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the table of figures, and what they rest on."""
        return [(self.path, table_signature(self.path, COLUMNS)), (self.content, CONTENT)]

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print what the evaluation found."""
        if not trainer.is_global_zero:
            return
        evaluation = evaluation_of(pl_module, type(self).__name__)
        write_csv(self.path, COLUMNS, _rows(evaluation))
        _write_json(self.content, _content(evaluation))
        print(summary(evaluation))
        print(f"results: {self.path}\neverything behind them: {self.content}")


def evaluation_of(module: LightningModule, asked_by: str) -> Evaluation:
    """Take what the test loop left in the module.

    Raises:
        ConfigurationError: if there is nothing.
    """
    if not isinstance(module, FroqModule):
        raise ConfigurationError(f"{asked_by} works with FroqModule, not {type(module).__name__}")
    if module.evaluation is None:
        raise ConfigurationError(f"{asked_by} works with FroqModule after `test`, but there was none")
    return module.evaluation


def times_bare_pass(evaluation: Evaluation, method: MethodFacts) -> float:
    """Time of a method as a multiple of the network's forward pass; NaN if it is not known."""
    return method.milliseconds / evaluation.pass_milliseconds


def summary(evaluation: Evaluation) -> str:
    """Lay the evaluation out for a terminal."""
    parts = [
        *(_table(table) for table in figure_tables(evaluation)),
        _times(evaluation),
        _bulleted("remarks", caveats(evaluation)),
        *(_bulleted(f"images of {one.name} left out", left_out(one, FAILURES_SHOWN)) for one in evaluation.sets),
    ]
    return "\n" + "\n\n".join(filter(None, parts))


def _table(table: FigureTable) -> str:
    sets = [
        [
            one.data_set,
            f"{one.threshold:.4f}",
            f"{one.fnmr:.4f}",
            *map(str, (one.false_non_matches, one.mated, one.false_matches, one.non_mated)),
        ]
        for one in table.sets
    ]
    counts = ["false non-matches", "of mated trials", "false matches", "of non-mated trials"]
    header = ["data set", "threshold", "FNMR", *counts]
    lines = [f"{table.convention.name} at FMR {table.fmr:g}", table.convention.describe(), text_table(header, sets), ""]
    rows = [[method, *(table.text(cell.value) + " *"[cell.best] for cell in cells)] for method, cells in table.rows]
    width = max(len(cell) for row in rows for cell in row[1:])
    padded = [[method, *(cell.rjust(width) for cell in cells)] for method, *cells in rows]
    lines.append(text_table(["method", *(name.rjust(width - 1) for name in table.columns)], padded))
    if any(cell.best for _, cells in table.rows for cell in cells):
        lines.append("  * the best of its column: its 95 % confidence interval is apart from all others")
    return "\n".join([*lines, *_intervals(table)])


def _intervals(table: FigureTable) -> Iterator[str]:
    rows = [[method, *map(table.interval, cells)] for method, cells in table.rows]
    if any(cell for row in rows for cell in row[1:]):
        yield text_table(["95 % confidence interval", *table.columns], rows)


def _times(evaluation: Evaluation) -> str:
    rows = [["bare forward pass", f"{evaluation.pass_milliseconds:.2f}", "1.00"]]
    for method in evaluation.working():
        times = (method.milliseconds, times_bare_pass(evaluation, method))
        rows.append([method.name, *(f"{time:.2f}" if math.isfinite(time) else "-" for time in times)])
    title = "time per image, median of the batches, with the forward passes that a method needs"
    return f"{title}\n{text_table(['method', 'ms', 'times the bare pass'], rows)}"


def _bulleted(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _rows(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    words = {convention.name: convention.describe() for convention in evaluation.conventions}
    times = {method.name: method.milliseconds for method in evaluation.methods}
    for result in evaluation.results:
        row = (*(getattr(result, name) for name in FIGURES), times[result.method], words[result.convention])
        yield tuple("" if value is None else value for value in _finite(row))


def _content(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "froq_lightning": metadata.version("froq-lightning"),
        "backbone": evaluation.backbone,
        "pass_milliseconds": evaluation.pass_milliseconds,
        "fmr": evaluation.fmr,
        "conventions": [_convention(convention) for convention in evaluation.conventions],
        "methods": [_method(evaluation, method) for method in evaluation.methods],
        "sets": [_set(one) for one in evaluation.sets],
        "remarks": caveats(evaluation),
        "results": [asdict(result) for result in evaluation.results],
    }


def _convention(convention: Convention) -> dict[str, Any]:
    return asdict(convention) | {"in_words": convention.describe(), "higher_is_better": convention.higher_is_better}


def _method(evaluation: Evaluation, method: MethodFacts) -> dict[str, Any]:
    return asdict(method) | {"times_bare_pass": times_bare_pass(evaluation, method)}


def _set(one: EvaluatedSet) -> dict[str, Any]:
    mated = int(one.trials.mated.sum())
    counts = {"images": one.images, "subjects": len(set(one.trials.subjects.tolist()))}
    trials = {"mated": mated, "non_mated": len(one.trials.mated) - mated}
    return {"name": one.name, "note": one.note, **counts, **trials, "left_out": one.left_out}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(_finite(content), indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_write(path, CONTENT) as place:
        place.write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """Replace the numbers that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value
