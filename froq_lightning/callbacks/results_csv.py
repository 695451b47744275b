"""The results of an evaluation as tables with commas or tabs, each in a file of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.evaluation_summary import times_bare_pass
from froq_lightning.callbacks.results_json import finite
from froq_lightning.callbacks.results_table import error_counts, results_tables
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation, Result
from froq_lightning.formats.table import delimiter_of, fill_table
from froq_lightning.names import escape_cell

CURVE = ("fractions", "curve", "curve_low", "curve_high")
VALUES = tuple(field.name for field in fields(Result) if field.name not in CURVE)
COUNTS = ("threshold", "fnmr", "false_non_matches", "mated", "false_matches", "non_mated")
Rows = Iterable[Sequence[object]]


@dataclass(frozen=True)
class ResultsCsv:
    """One of the tables.

    Args:
        columns: that it always has, and begins with.
        rows: of an evaluation; cells that are not defined are NaN.
        further: columns that depend on the evaluation.
    """

    columns: tuple[str, ...]
    rows: Callable[[Evaluation], Rows]
    further: Callable[[Evaluation], tuple[str, ...]]

    def signature(self, path: Path) -> Signature:
        """Know an earlier table at a path by the columns that it begins with."""
        return signature(delimiter_of(path).join(self.columns).encode())

    def write(self, path: Path, evaluation: Evaluation) -> None:
        """Write the table; it appears whole or not at all."""
        header = (*self.columns, *map(escape_cell, self.further(evaluation)))
        rows = (["" if cell is None else cell for cell in finite(row)] for row in self.rows(evaluation))
        with atomic_write(path, self.signature(path)) as place:
            fill_table(place, header, rows, delimiter_of(path))


def _results(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    words = {convention.name: convention.describe() for convention in evaluation.conventions}
    for result in evaluation.results:
        yield (*(getattr(result, name) for name in VALUES), words[result.convention])


def _pivoted(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    for table in results_tables(evaluation):
        for kind, rows in (("method", table.rows), ("oracle", table.oracles)):
            for name, cells in rows:
                yield (table.convention.name, table.fmr, kind, name, *(cell.value for cell in cells))


def _words(_: Evaluation) -> tuple[str, ...]:
    return ("convention_in_words",)


def _nothing(_: Evaluation) -> tuple[str, ...]:
    return ()


def _columns(evaluation: Evaluation) -> tuple[str, ...]:
    tables = results_tables(evaluation)
    return next((table.columns for table in tables), tuple(data_set.name for data_set in evaluation.sets))


def _errors(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    for counts in error_counts(evaluation):
        result = counts.result
        few = min(result.false_non_matches, result.false_matches) < FEW_ERRORS
        conventions = ", ".join(counts.conventions)
        yield (result.data_set, conventions, result.fmr, *(getattr(result, name) for name in COUNTS), int(few))


def _times(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    yield ("bare forward pass", evaluation.pass_milliseconds, 1.0, "")
    for method in evaluation.methods:
        yield (method.name, method.milliseconds, times_bare_pass(evaluation, method), method.refusal)


RESULTS = ResultsCsv(VALUES, _results, _words)
# As in papers: a row for a method, a column for a data set and the mean.
PIVOTED = ResultsCsv(("convention", "fmr", "kind", "method"), _pivoted, _columns)
# few_errors: whether either number of errors is below 30.
ERRORS = ResultsCsv(("data_set", "conventions", "fmr", *COUNTS, "few_errors"), _errors, _nothing)
# All that differs between two runs on the same inputs.
TIMES = ResultsCsv(("method", "milliseconds", "times_bare_pass", "refusal"), _times, _nothing)
