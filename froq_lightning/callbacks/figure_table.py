"""The figures of one convention at one FMR as papers lay it out: rows methods, columns data sets and their mean."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.evaluation import Evaluation
from froq_lightning.evaluation.result import Result

MEAN = "mean"


@dataclass(frozen=True)
class Cell:
    """A figure, the ends of its 95 % confidence interval (NaN without one), and whether it is the best."""

    value: float
    low: float
    high: float
    best: bool


@dataclass(frozen=True)
class FigureTable:
    """What a table shows.

    Args:
        convention: of its figures.
        fmr: false match rate of the thresholds.
        columns: names of the data sets, and of their mean where there are several.
        rows: for every method that works, its name and a cell for every column.
        sets: for every data set, any method's result: thresholds, FNMR and counts are the same for all.
    """

    convention: Convention
    fmr: float
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    sets: tuple[Result, ...]

    @property
    def decimals(self) -> int:
        """Decimals that show three digits of the largest figure, and three at least."""
        sizes = [abs(cell.value) for _, cells in self.rows for cell in cells]
        largest = max((size for size in sizes if math.isfinite(size) and size), default=1.0)
        return max(3, 2 - math.floor(math.log10(largest)))

    def text(self, value: float) -> str:
        """Write a figure with the decimals of the table, and one that is not defined as a dash."""
        return f"{value:.{self.decimals}f}" if math.isfinite(value) else "-"

    def interval(self, cell: Cell) -> str:
        """Write a confidence interval; nothing where there is none."""
        return f"{self.text(cell.low)} to {self.text(cell.high)}" if math.isfinite(cell.low) else ""


def figure_tables(evaluation: Evaluation) -> Iterator[FigureTable]:
    """Arrange the figures of an evaluation, convention by convention and FMR by FMR."""
    methods = [method.name for method in evaluation.working()]
    sets = [one.name for one in evaluation.sets]
    for convention in evaluation.conventions if methods else ():
        for fmr in evaluation.fmr:
            found = [[evaluation.result(one, method, convention.name, fmr) for one in sets] for method in methods]
            values = [[(one.value, one.low, one.high) for one in results] for results in found]
            if len(sets) > 1:
                for method, row in zip(methods, values, strict=True):
                    row.append((evaluation.mean(method, convention.name, fmr), math.nan, math.nan))
            yield FigureTable(
                convention=convention,
                fmr=fmr,
                columns=(*sets, MEAN) if len(sets) > 1 else tuple(sets),
                rows=tuple(zip(methods, _cells(values, convention), strict=True)),
                sets=tuple(found[0]),
            )


def _cells(values: Sequence[Sequence[tuple[float, float, float]]], convention: Convention) -> list[tuple[Cell, ...]]:
    best = [_best([figure[0] for figure in column], convention) for column in zip(*values, strict=True)]
    return [
        tuple(Cell(*figure, best=figure[0] == wanted) for figure, wanted in zip(row, best, strict=True))
        for row in values
    ]


def _best(column: Sequence[float], convention: Convention) -> float:
    """Choose the best figure of a column; NaN where there is nothing to choose from."""
    figures = {figure for figure in column if math.isfinite(figure)}
    if len(figures) < 2:
        return math.nan
    return max(figures) if convention.higher_is_better else min(figures)
