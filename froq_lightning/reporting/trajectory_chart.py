"""The greedy search: set utility against the number of layers."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from froq_lightning.calibration.selection import Step
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK


def trajectory_chart(trajectory: Sequence[Step], chosen: int) -> Markup:
    """Draw the search.

    Args:
        trajectory: its steps.
        chosen: number of steps that were taken up into the set.
    """
    figure, axes = empty_chart(5.4, 3.1, (0.6, 0.25, 0.45, 0.35))
    numbers = range(1, len(trajectory) + 1)
    reached = [step.set_utility for step in trajectory]
    axes.plot(numbers[chosen - 1 :], reached[chosen - 1 :], color=FAINT, linewidth=1.4)
    axes.plot(numbers[:chosen], reached[:chosen], color=CHOSEN, linewidth=2.2)
    axes.plot(numbers[chosen:], reached[chosen:], "o", color=FAINT, markersize=6)
    axes.plot(numbers[:chosen], reached[:chosen], "o", color=CHOSEN, markersize=7)
    axes.plot(chosen, reached[chosen - 1], "o", color=CHOSEN, markersize=13, fillstyle="none", markeredgewidth=1.2)
    axes.set_xlim(0.5, len(trajectory) + 0.5)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    axes.set_xlabel("number of layers", color=INK)
    axes.set_title("set utility", loc="left", color=INK, fontsize=10, x=-0.11, pad=10)
    return svg(figure, "trajectory")
