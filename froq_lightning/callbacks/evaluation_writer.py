"""After `test`: every result as CSV, and everything behind the results as JSON."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.evaluation_plan import plan_lines
from froq_lightning.callbacks.evaluation_summary import caveats, summary, times_bare_pass
from froq_lightning.callbacks.journaled_writer import JournaledWriter
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts, Result
from froq_lightning.formats.format import require_suffix
from froq_lightning.formats.table import delimiter_of, table_signature, write_table
from froq_lightning.module import FroqModule
from froq_lightning.runs.recognised_batch import RecognisedBatch

SCHEMA_VERSION = 1
CURVE = ("fractions", "curve", "curve_low", "curve_high")
VALUES = tuple(field.name for field in fields(Result) if field.name not in CURVE)
COLUMNS = (*VALUES, "milliseconds", "convention_in_words")
CONTENT = signature(rb'\{\n "schema_version": \d+,\n "froq_lightning": "')


class EvaluationWriter(JournaledWriter):
    """Writes the results, prints them, and writes what they rest on (`results.csv`, `results.json`).

    The CSV has a row for every data set, method, convention and FMR. The JSON adds the curves, the parameters of
    methods and conventions, and the images left out. Both are the same for the same inputs, but for `milliseconds`,
    `pass_milliseconds` and `times_bare_pass`, which are measured. A value that is not defined is empty, or null.

    Args:
        path: of the table: .csv or .txt, or .tsv; without a suffix CSV.
        restart: whether to delete what an unfinished run left in `PATH.partial`, instead of going on with it.
    """

    stage = "test"

    def __init__(self, path: str | Path, *, restart: bool = False) -> None:
        super().__init__(path, restart=restart)
        self._is_recorded = False
        require_suffix("the results", self.path, ["", ".csv", ".tsv", ".txt"])
        self.content = self.path.with_suffix(".json")

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the table of results, and what they rest on."""
        return [(self.path, table_signature(COLUMNS, delimiter_of(self.path))), (self.content, CONTENT)]

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have the evaluation take its steps from the journal; print what it will take."""
        if not isinstance(pl_module, FroqModule):
            return
        self._is_recorded = False
        pl_module.evaluation_run.journal = self.journal
        given: Any = trainer.test_dataloaders
        loaders = given if isinstance(given, list) else [given]
        images = sum(len(getattr(loader.sampler, "share", loader.sampler)) for loader in loaders)
        if trainer.is_global_zero and images:
            plans = pl_module.evaluation_run.plans(loaders[0].batch_size or 1)
            print(*plan_lines(plans, images), sep="\n", flush=True)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Record what the networks gave the images of a batch."""
        del trainer, pl_module, batch, batch_idx, dataloader_idx
        recognised: RecognisedBatch = outputs["recognised"]
        self.record(recognised.block())

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wait until all processes are done, before the module compares."""
        del pl_module
        self.finish_recording(trainer)
        self._is_recorded = True

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print what the evaluation found."""
        if not trainer.is_global_zero:
            return
        evaluation = evaluation_of(pl_module, type(self).__name__)
        write_table(self.path, COLUMNS, _rows(evaluation))
        _write_json(self.content, _content(evaluation))
        self.mark_written()
        print(summary(evaluation))
        print(f"results: {self.path}\neverything behind them: {self.content}")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Keep the journal, unless the images turned out to allow no evaluation."""
        super().on_exception(trainer, pl_module, exception)
        if self._is_recorded and isinstance(exception, DataError) and trainer.is_global_zero:
            self.journal.remove()


def evaluation_of(module: LightningModule, caller: str) -> Evaluation:
    """Return what the `test` of a module found.

    Raises:
        ConfigurationError: if it is no FroqModule, or there was no `test`; names the caller.
    """
    if not isinstance(module, FroqModule):
        raise ConfigurationError(f"{caller} works with FroqModule, not {type(module).__name__}")
    if module.evaluation is None:
        raise ConfigurationError(f"{caller} works with FroqModule after `test`, but there was none")
    return module.evaluation


def _rows(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    words = {convention.name: convention.describe() for convention in evaluation.conventions}
    times = {method.name: method.milliseconds for method in evaluation.methods}
    for result in evaluation.results:
        row = (*(getattr(result, name) for name in VALUES), times[result.method], words[result.convention])
        yield tuple("" if value is None else value for value in finite(row))


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
        "oracles": [asdict(result) for result in evaluation.oracles],
        "thresholds": [asdict(each) for each in evaluation.thresholds],
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
    text = json.dumps(finite(content), indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_write(path, CONTENT) as place:
        place.write_text(text + "\n", encoding="utf-8")


def finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not have, by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value
