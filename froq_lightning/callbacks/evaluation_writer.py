"""After `test`: the results as tables, as LaTeX, and as JSON with everything behind them."""

from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature
from froq_lightning.callbacks.evaluation_summary import summary
from froq_lightning.callbacks.output_writer import OutputWriter
from froq_lightning.callbacks.results_csv import ERRORS, PIVOTED, RESULTS, TIMES
from froq_lightning.callbacks.results_json import CONTENT, write_json
from froq_lightning.callbacks.results_tex import TEX, write_tex
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.formats.format import require_suffix
from froq_lightning.module import FroqModule


class EvaluationWriter(OutputWriter):
    """Writes the results, prints them, and writes what they rest on.

    `results.csv` has a row for every data set, method, convention and FMR; `results.json` adds the curves, the oracles,
    the parameters of methods and conventions, and the images left out. As in papers, with a column for every data set,
    are `results.table.csv` and `results.tex`. `results.errors.csv` has the numbers of errors that results rest on.
    All are the same for the same inputs; times, which are measured, are in `results.times.csv` alone. A value that is
    not defined is empty, or null.

    Args:
        path: of the table: .csv or .txt, or .tsv; without a suffix CSV.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
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

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print what the evaluation found."""
        if not trainer.is_global_zero:
            return
        evaluation = evaluation_of(pl_module, type(self).__name__)
        for path, table in self.tables.items():
            table.write(path, evaluation)
        write_tex(self.tex, evaluation)
        write_json(self.content, evaluation)
        print(summary(evaluation))
        _, pivoted, errors, times = self.tables
        print(f"as in papers: {self.tex} and {pivoted}\nerror counts: {errors}\ntimes: {times}")
        print(f"results: {self.path}\neverything behind them: {self.content}")


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
