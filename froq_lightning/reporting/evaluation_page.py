"""The page that shows an evaluation: charts and tables, put into the template."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from froq_lightning.callbacks.caveats import caveats, left_out
from froq_lightning.callbacks.evaluation_writer import times_bare_pass
from froq_lightning.callbacks.figure_table import FigureTable, figure_tables
from froq_lightning.data.records import FaceSample
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.outcome import FEW_ERRORS, EvaluatedSet, Evaluation
from froq_lightning.reporting.edc_chart import edc_chart
from froq_lightning.reporting.face_row import FaceRow, face_row
from froq_lightning.reporting.histogram import quality_histogram, score_histogram
from froq_lightning.reporting.page import render
from froq_lightning.reporting.palette import Stroke

FAILURES_SHOWN = 50


@dataclass(frozen=True)
class Chart:
    """A drawing and what stands above it."""

    title: str
    drawing: Markup


@dataclass(frozen=True)
class ConventionPart:
    """The tables of a convention, each with its curves if there are any."""

    convention: Convention
    tables: tuple[tuple[FigureTable, tuple[Chart, ...]], ...]


@dataclass(frozen=True)
class Winner:
    """The best method of a column."""

    method: str
    table: FigureTable
    column: str
    value: float


@dataclass(frozen=True)
class SetPart:
    """What is shown of a data set: qualities and faces by method, failures."""

    name: str
    scores: Markup
    qualities: Mapping[str, Markup]
    faces: Mapping[str, FaceRow]
    failures: Sequence[str]


@dataclass(frozen=True)
class Cost:
    """Time of a method: milliseconds per image, multiple of the bare pass, and length of its bar in percent."""

    method: str
    milliseconds: float
    multiple: float
    length: float


def render_page(evaluation: Evaluation, faces: Sequence[Callable[[int], FaceSample]], ends: int) -> str:
    """Lay an evaluation out as one HTML document that needs nothing else.

    Args:
        evaluation: to show.
        faces: for every data set, what gives an image by its position.
        ends: number of images shown at either end of a ranking.
    """
    return render("evaluation.html", _context(evaluation, faces, ends))


def _context(evaluation: Evaluation, faces: Sequence[Callable[[int], FaceSample]], ends: int) -> dict[str, Any]:
    strokes = {method.name: Stroke.of(number) for number, method in enumerate(evaluation.working())}
    tables = tuple(figure_tables(evaluation))
    return {
        "evaluation": evaluation,
        "ends": ends,
        "strokes": strokes,
        "drawn": [name for name in strokes if _has_draws(evaluation, name)],
        "winner": _winner(tables),
        "parts": [_convention_part(evaluation, one, tables, strokes) for one in evaluation.conventions],
        "sets": [
            _set_part(evaluation, one, lru_cache(maxsize=None)(read), ends, strokes)
            for one, read in zip(evaluation.sets, faces, strict=True)
        ],
        "costs": list(_costs(evaluation)),
        "caveats": caveats(evaluation),
        "few": FEW_ERRORS,
        "trials": {one.name: _trial_counts(one) for one in evaluation.sets},
    }


def _convention_part(
    evaluation: Evaluation, convention: Convention, tables: Sequence[FigureTable], strokes: Mapping[str, Stroke]
) -> ConventionPart:
    own = [table for table in tables if table.convention == convention]
    return ConventionPart(convention, tuple((table, tuple(_charts(evaluation, table, strokes))) for table in own))


def _charts(evaluation: Evaluation, table: FigureTable, strokes: Mapping[str, Stroke]) -> Iterator[Chart]:
    convention = table.convention
    for one in evaluation.sets:
        results = {name: evaluation.result(one.name, name, convention.name, table.fmr) for name in strokes}
        if drawing := edc_chart(results, convention, strokes):
            errors = next(iter(results.values())).false_non_matches
            yield Chart(f"{one.name}, FMR {table.fmr:g}: {errors} false non-matches", drawing)


def _winner(tables: Sequence[FigureTable]) -> Winner | None:
    """Find who is known to be best in the first table: on average, or on the data set where there is one."""
    found = (
        Winner(method, table, table.columns[-1], cells[-1].value)
        for table in tables[:1]
        for method, cells in table.rows
        if cells[-1].best
    )
    return next(found, None)


def _set_part(
    evaluation: Evaluation,
    one: EvaluatedSet,
    read: Callable[[int], FaceSample],
    ends: int,
    strokes: Mapping[str, Stroke],
) -> SetPart:
    thresholds = {result.fmr: result.threshold for result in evaluation.results if result.data_set == one.name}
    return SetPart(
        name=one.name,
        scores=score_histogram(one.trials, thresholds, one.name),
        qualities={
            name: quality_histogram(one.qualities[name], stroke, f"{one.name} {name}")
            for name, stroke in strokes.items()
        },
        faces={name: face_row(read, one.qualities[name], ends) for name in strokes if ends},
        failures=left_out(one, FAILURES_SHOWN),
    )


def _costs(evaluation: Evaluation) -> Iterator[Cost]:
    """Yield the bare pass and every method whose time is known; the longest bar is 100 percent."""
    times = {"bare forward pass": (evaluation.pass_milliseconds, 1.0)}
    times |= {one.name: (one.milliseconds, times_bare_pass(evaluation, one)) for one in evaluation.working()}
    known = {name: time for name, time in times.items() if math.isfinite(time[1])}
    longest = max((multiple for _, multiple in known.values()), default=1.0)
    for name, (milliseconds, multiple) in known.items():
        yield Cost(name, milliseconds, multiple, 100 * multiple / longest)


def _has_draws(evaluation: Evaluation, method: str) -> bool:
    qualities = [one.unit_qualities[method] for one in evaluation.sets]
    return any(columns.ndim > 1 and columns.shape[1] > 1 for columns in qualities)


def _trial_counts(one: EvaluatedSet) -> tuple[int, int]:
    mated = int(one.trials.mated.sum())
    return mated, len(one.trials.mated) - mated
