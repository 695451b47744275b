"""After `test`: the results as tables, as LaTeX, and as JSON with everything behind them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature
from froq_lightning.callbacks.evaluation_plan import plan_lines
from froq_lightning.callbacks.evaluation_summary import summary
from froq_lightning.callbacks.journaled_writer import JournaledWriter
from froq_lightning.callbacks.results_csv import ERRORS, PIVOTED, RESULTS, TIMES
from froq_lightning.callbacks.results_json import CONTENT, write_json
from froq_lightning.callbacks.results_tex import TEX, write_tex
from froq_lightning.callbacks.summary_facts import evaluation_facts
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import ConfigurationError, TrialsError
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.formats.format import require_suffix
from froq_lightning.module import FroqModule
from froq_lightning.runs.feed import listed_loaders
from froq_lightning.runs.recognised_batch import RecognisedBatch
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import Line, show, tell, wrote


class EvaluationWriter(JournaledWriter):
    """Writes the results, prints them, and writes what they rest on.

    `results.csv` has a row for every data set, method, convention and FMR; `results.json` adds the curves, the oracles,
    the parameters of methods and conventions, and the images left out. As in papers, with a column for every data set,
    are `results.table.csv` and `results.tex`. `results.errors.csv` has the numbers of errors that results rest on.
    All are the same for the same inputs; times, which are measured, are in `results.times.csv` alone. A value that is
    not defined is empty, or null.

    Args:
        path: of the table: .csv or .txt, or .tsv; without a suffix CSV.
        restart: whether to delete what an unfinished run left in `PATH.partial`, instead of going on with it.
    """

    stage = "test"

    def __init__(self, path: str | Path, *, restart: bool = False) -> None:
        super().__init__(path, restart=restart)
        self._is_recorded = False
        require_suffix("the results", self.path, ["", ".csv", ".tsv", ".txt"])
        self.content, self.tex = self.path.with_suffix(".json"), self.path.with_suffix(".tex")
        suffix = self.path.suffix or ".csv"
        titles = (("table", PIVOTED), ("errors", ERRORS), ("times", TIMES))
        beside = {self.path.with_suffix(f".{title}{suffix}"): table for title, table in titles}
        self.tables = {self.path: RESULTS, **beside}

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the tables, the LaTeX, and what they rest on."""
        tables = [(path, table.signature(path)) for path, table in self.tables.items()]
        return [*tables, (self.tex, TEX), (self.content, CONTENT)]

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have the evaluation take its steps from the journal; print what it will take."""
        if not isinstance(pl_module, FroqModule):
            return
        self._is_recorded = False
        pl_module.evaluation_run.collect_from(self.journal)
        loaders = listed_loaders(trainer.test_dataloaders)
        images = sum(len(getattr(loader.sampler, "share", loader.sampler)) for loader in loaders)
        if trainer.is_global_zero and images:
            plans = pl_module.evaluation_run.plans(loaders[0].batch_size or 1)
            show(*plan_lines(plans, images, trainer.world_size))

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
        for path, table in self.tables.items():
            table.write(path, evaluation)
        write_tex(self.tex, evaluation)
        write_json(self.content, evaluation)
        self.mark_written()
        show(*summary(evaluation))
        tell(**evaluation_facts(evaluation))
        _, pivoted, errors, times = map(address_of, self.tables)
        show(Line(f"as in papers: {address_of(self.tex)} and {pivoted}", "status"))
        tell(outputs={"latex": address_of(self.tex), "table": pivoted})
        wrote("error counts", errors, "errors")
        wrote("times", times)
        wrote("results", address_of(self.path))
        wrote("everything behind them", address_of(self.content), "content")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Keep the journal, unless the images turned out to allow no evaluation."""
        super().on_exception(trainer, pl_module, exception)
        if self._is_recorded and isinstance(exception, TrialsError) and trainer.is_global_zero:
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
