"""Error-versus-discard curves as charts, between the best possible and chance."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.edc import best_curve
from froq_lightning.evaluation.outcome import Result
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.palette import FAINT, INK, Stroke

# Of a curve so many points are drawn.
POINTS = 600


def edc_chart(results: Mapping[str, Result], convention: Convention, strokes: Mapping[str, Stroke]) -> Markup:
    """Draw curves of one convention at one FMR; nothing where none is defined, or where there are no errors.

    Args:
        results: of the methods, by name.
        convention: of the curves.
        strokes: of the methods.
    """
    curves = {name: one for name, one in results.items() if one.curve and np.nan_to_num(one.curve).any()}
    if not curves:
        return Markup("")
    figure, axes = empty_chart(4.6, 3.1, (0.6, 0.25, 0.45, 0.3))
    start = next(iter(curves.values()))
    chance, highest = start.curve[0], [start.curve[0]]
    for name, result in curves.items():
        fractions, fnmr = _drawn(result, convention)
        stroke = strokes[name]
        step = "steps-post" if convention.area == "step" else "default"
        axes.plot(fractions, fnmr, color=stroke.colour, linestyle=stroke.style, linewidth=1.7, drawstyle=step, zorder=3)
        highest.append(float(np.nanmax(fnmr)))
    shares = np.linspace(0, convention.limit, POINTS)
    axes.plot(shares, _best(chance, shares, convention, start), color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
    axes.axhline(chance, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set_xlim(0, convention.limit)
    axes.set_ylim(0, 1.06 * max(highest))
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    unit = "mated trials" if convention.discard == "mated" else "all trials"
    axes.set_xlabel(f"discarded share of {unit}", color=INK)
    axes.set_title("FNMR", loc="left", color=INK, fontsize=10, x=-0.12)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    return svg(figure, f"edc {convention.name} {start.data_set} {start.fmr}")


def _drawn(result: Result, convention: Convention) -> tuple[Floats, Floats]:
    """Thin a curve to what can be seen, and take it to the end of the axis where it is made of steps."""
    fractions, fnmr = np.array(result.fractions), np.array(result.curve)
    kept = np.unique(np.linspace(0, len(fractions) - 1, min(POINTS, len(fractions))).round().astype(int))
    fractions, fnmr = fractions[kept], fnmr[kept]
    if convention.area == "step":
        return np.append(fractions, convention.limit), np.append(fnmr, fnmr[-1])
    return fractions, fnmr


def _best(fnmr: float, shares: Floats, convention: Convention, counts: Result) -> Floats:
    """FNMR where the false non-matches are discarded first."""
    if convention.discard == "all":
        shares = np.minimum(shares * (counts.mated + counts.non_mated) / counts.mated, 1 - 1e-9)
    return best_curve(fnmr, shares)
