"""The utility-cost front: how much set utility a share of a forward pass buys."""

from collections.abc import Sequence

from markupsafe import Markup

from froq_lightning.calibration.pareto_front import FrontPoint
from froq_lightning.reporting.chart import empty_chart, share_axis, svg
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK


def front_chart(front: Sequence[FrontPoint], chosen: tuple[float, float], max_cost: float) -> Markup:
    """Draw the front as steps: what is bought at a cost is had for any higher one.

    Args:
        front: of rising cost and utility, not empty.
        chosen: cost and set utility of the chosen set.
        max_cost: limit to the cost; 1 for none.
    """
    figure, axes = empty_chart(5.4, 3.1, (0.6, 0.25, 0.45, 0.35))
    costs, reached = [point.cost for point in front], [point.utility for point in front]
    axes.plot([*costs, 1.0], [*reached, reached[-1]], color=INK, linewidth=1.5, drawstyle="steps-post")
    axes.plot(costs, reached, "o", color=INK, markersize=3.6, markeredgewidth=0)
    axes.plot(*chosen, "o", color=CHOSEN, markersize=8, markeredgewidth=0, clip_on=False)
    axes.plot(*chosen, "o", color=CHOSEN, markersize=14, fillstyle="none", markeredgewidth=1.2, clip_on=False)
    if max_cost < 1:
        axes.axvline(max_cost, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
    share_axis(axes, "cost of the set, share of a forward pass")
    axes.margins(y=0.1)
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    axes.set_title("set utility", loc="left", color=INK, fontsize=10, x=-0.11, pad=10)
    return svg(figure, "front")
