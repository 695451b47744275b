"""Error-versus-discard curves as charts, with their intervals, between oracles and chance."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.oracles import PERFECT, SUBJECT_MEAN
from froq_lightning.evaluation.outcome import Result
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.palette import FAINT, INK, Stroke

# Of a curve and of its interval so many points are drawn: a page may hold hundreds of them.
POINTS, INTERVAL_POINTS = 300, 100
CHANCE = "random quality"
# Lines that every chart of a convention has, as far as they are defined.
REFERENCES = {
    PERFECT: Stroke(INK, "--ink", "4 2", "reference-perfect"),
    SUBJECT_MEAN: Stroke(INK, "--ink", "7 2 1.5 2", "reference-mean"),
    CHANCE: Stroke(INK, "--ink", "1 2", "reference-chance"),
}


def edc_chart(
    results: Mapping[str, Result],
    convention: Convention,
    strokes: Mapping[str, Stroke],
    oracles: Mapping[str, Result] | None = None,
) -> Markup:
    """Draw curves of one convention at one FMR; nothing where none is defined, or where there are no errors.

    Args:
        results: of the methods, by name.
        convention: of the curves.
        strokes: of the methods.
        oracles: results of the oracles, by name.
    """
    figure = edc_figure(results, convention, strokes, oracles)
    start = next(iter(results.values()), None)
    return svg(figure, f"edc {convention.name} {start.data_set} {start.fmr}") if figure and start else Markup("")


def edc_figure(
    results: Mapping[str, Result],
    convention: Convention,
    strokes: Mapping[str, Stroke],
    oracles: Mapping[str, Result] | None = None,
) -> Figure | None:
    """Draw the same for matplotlib; None where `edc_chart` gives nothing."""
    curves = {name: one for name, one in results.items() if one.curve and np.nan_to_num(one.curve).any()}
    if not curves:
        return None
    figure, axes = empty_chart(4.6, 3.1, (0.6, 0.25, 0.45, 0.3))
    chance = next(iter(curves.values())).curve[0]
    for name, result in curves.items():
        _draw_line(axes, result, strokes[name], convention)
        if result.curve_low:
            _draw_interval(axes, result, strokes[name], convention)
    for name, result in (oracles or {}).items():
        if name in REFERENCES and result.curve:
            _draw_line(axes, result, REFERENCES[name], convention, width=1.0)
    axes.axhline(chance, linewidth=1.0, **REFERENCES[CHANCE].line)
    axes.set_xlim(0, convention.limit)
    axes.set_ylim(0, 1.06 * max(chance, *(float(np.nanmax(result.curve)) for result in curves.values())))
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    unit = "mated trials" if convention.discard == "mated" else "all trials"
    axes.set_xlabel(f"discarded share of {unit}", color=INK)
    axes.set_title("FNMR", loc="left", color=INK, fontsize=10, x=-0.12)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    return figure


def _draw_line(axes: Axes, result: Result, stroke: Stroke, convention: Convention, width: float = 1.7) -> None:
    x, y = _thinned(POINTS, convention, result.fractions, result.curve)
    step = "steps-post" if convention.area == "step" else "default"
    axes.plot(x, y, linewidth=width, drawstyle=step, zorder=3, **stroke.line)


def _draw_interval(axes: Axes, result: Result, stroke: Stroke, convention: Convention) -> None:
    """Shade the intervals of the points, which are shown and hidden with the line."""
    rows = np.stack(_thinned(INTERVAL_POINTS, convention, result.fractions, result.curve_low, result.curve_high))
    x, low, high = rows[:, np.isfinite(rows).all(axis=0)]
    if convention.area == "step":
        x, low, high = np.repeat(x, 2)[1:], np.repeat(low, 2)[:-1], np.repeat(high, 2)[:-1]
    # One outline: `fill_between` would give it an identifier, which two equal ones would share.
    outline = np.append(x, x[::-1]), np.append(low, high[::-1])
    axes.fill(*outline, color=stroke.colour, alpha=0.15, linewidth=0, gid=f"{stroke.line['gid']} interval")


def _thinned(points: int, convention: Convention, *rows: tuple[float, ...]) -> list[Floats]:
    """Thin fractions and rates to what can be seen, and take them to the end of the axis where they are steps."""
    count = len(rows[0])
    places = np.unique(np.linspace(0, count - 1, min(points, count)).round().astype(int))
    thinned = [np.array(row)[places] for row in rows]
    if convention.area == "step":
        ends = [convention.limit, *(row[-1] for row in thinned[1:])]
        return [np.append(row, end) for row, end in zip(thinned, ends, strict=True)]
    return thinned
