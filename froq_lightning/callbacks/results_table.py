"""The values of one convention at one FMR, as in papers: a row for a method, a column for a data set and the mean."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation, Result

MEAN = "mean"


@dataclass(frozen=True)
class Cell:
    """A value, the ends of its 95 % confidence interval (NaN without one), and whether it is known to be the best."""

    value: float
    low: float
    high: float
    best: bool


@dataclass(frozen=True)
class ResultsTable:
    """The values of all methods on all data sets, by one convention.

    Args:
        convention: of the values.
        fmr: false match rate of the thresholds.
        columns: names of the data sets, and of their mean where there are several.
        rows: for every method that works, its name and a cell for every column.
        sets: for every data set, any method's result: thresholds, FNMR and counts are the same for all.
        oracles: rows like those of the methods, of qualities made from what no quality method knows; never the best.
    """

    convention: Convention
    fmr: float
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    sets: tuple[Result, ...]
    oracles: tuple[tuple[str, tuple[Cell, ...]], ...] = ()

    @property
    def decimals(self) -> int:
        """Decimals that show three digits of the largest value, and three at least."""
        sizes = [abs(cell.value) for _, cells in self.rows for cell in cells]
        largest = max((size for size in sizes if math.isfinite(size) and size), default=1.0)
        return max(3, 2 - math.floor(math.log10(largest)))

    def text(self, value: float) -> str:
        """Write a value with the decimals of the table; a dash if it is not defined."""
        return f"{value:.{self.decimals}f}" if math.isfinite(value) else "-"

    def interval(self, cell: Cell) -> str:
        """Write a confidence interval; nothing where there is none."""
        return f"{self.text(cell.low)} to {self.text(cell.high)}" if math.isfinite(cell.low) else ""


def results_tables(evaluation: Evaluation) -> Iterator[ResultsTable]:
    """Arrange the results of an evaluation, convention by convention and FMR by FMR."""
    if not evaluation.working():
        return
    sets = tuple(data_set.name for data_set in evaluation.sets)
    for convention in evaluation.conventions:
        for fmr in evaluation.fmr:
            yield ResultsTable(
                convention=convention,
                fmr=fmr,
                columns=(*sets, MEAN) if len(sets) > 1 else sets,
                rows=tuple(_rows(evaluation, convention, fmr)),
                sets=tuple(_results(evaluation, evaluation.working()[0].name, convention, fmr)),
                oracles=tuple(_oracles(evaluation, convention, fmr)),
            )


def _rows(evaluation: Evaluation, convention: Convention, fmr: float) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    methods = evaluation.working()
    first = _results(evaluation, methods[0].name, convention, fmr)
    values = [_values(evaluation, method.name, convention, fmr) for method in methods]
    enough = [_errors(result, convention) >= FEW_ERRORS for result in first]
    if len(evaluation.sets) > 1:
        enough.append(all(enough))
    best = [_best(column, convention) for column in zip(*values, strict=True)]
    for number, (method, row) in enumerate(zip(methods, values, strict=True)):
        # A random quality is never marked, though others have to beat it.
        is_best = [
            known and place == number and not method.is_random for place, known in zip(best, enough, strict=True)
        ]
        yield method.name, tuple(Cell(*value, best=marked) for value, marked in zip(row, is_best, strict=True))


def _oracles(evaluation: Evaluation, convention: Convention, fmr: float) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    # An oracle may go by the name of a method.
    alone = replace(evaluation, results=evaluation.oracles)
    for name in dict.fromkeys(each.method for each in evaluation.oracles if each.convention == convention.name):
        yield name, tuple(Cell(*value, best=False) for value in _values(alone, name, convention, fmr))


def _values(
    evaluation: Evaluation, method: str, convention: Convention, fmr: float
) -> list[tuple[float, float, float]]:
    """Values of a method with their intervals: on every data set, and their mean where there are several."""
    results = _results(evaluation, method, convention, fmr)
    values = [(result.value, result.low, result.high) for result in results]
    if len(results) > 1:
        key = (method, convention.name, fmr)
        values.append((evaluation.mean(*key), *evaluation.mean_interval(*key)))
    return values


def _results(evaluation: Evaluation, method: str, convention: Convention, fmr: float) -> list[Result]:
    return [evaluation.result(data_set.name, method, convention.name, fmr) for data_set in evaluation.sets]


def _best(column: Sequence[tuple[float, float, float]], convention: Convention) -> int | None:
    """Return the place of the value whose interval is apart from all others', on the better side; None without one.

    Methods are compared on the same trials, so this is stricter than a test of their differences.
    """
    sign = -1 if convention.higher_is_better else 1
    ends = {
        place: sorted((sign * low, sign * high))
        for place, (value, low, high) in enumerate(column)
        if math.isfinite(value)
    }
    for place, (_, high) in ends.items():
        others = [low for other, (low, _) in ends.items() if other != place]
        if others and all(high < low for low in others):
            return place
    return None


def _errors(result: Result, convention: Convention) -> int:
    """Count the errors that a value rests on: rank consistency counts false matches too."""
    return result.false_non_matches + (result.false_matches if convention.measure == "rce" else 0)


@dataclass(frozen=True)
class ErrorCounts:
    """The errors that results on a data set rest on, at the threshold for an FMR.

    Args:
        conventions: that share the threshold.
        result: any method's, with the counts.
    """

    conventions: tuple[str, ...]
    result: Result


def error_counts(evaluation: Evaluation) -> Iterator[ErrorCounts]:
    """Count the errors on every data set at every FMR: once, or twice where conventions set other thresholds."""
    for data_set in evaluation.sets:
        for fmr in evaluation.fmr:
            groups: dict[str, list[Result]] = {}
            for convention in evaluation.conventions if evaluation.working() else ():
                result = evaluation.result(data_set.name, evaluation.working()[0].name, convention.name, fmr)
                groups.setdefault(repr(result.threshold), []).append(result)
            for results in groups.values():
                yield ErrorCounts(tuple(result.convention for result in results), results[0])
