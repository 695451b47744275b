"""Labels that stand in a row above a chart, side by side even where what they point at is not."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.reporting.palette import FAINT, INK, PAPER

# In inches: the height of the row above the axes.
LIFT = 0.28


def draw_flags(
    axes: Axes, labels: Sequence[str], points: Sequence[tuple[float, float]], gap: float, colour: str | None = None
) -> None:
    """Write labels above the axes, each with a line to its point; the limits of the axes must be set.

    Args:
        axes: to draw in.
        labels: short ones.
        points: what they point at, in data coordinates.
        gap: between the middles of two labels, in inches.
        colour: of a disc behind each label; without one the labels are plain text.
    """
    width, height = axes.get_figure(root=True).get_size_inches() * axes.get_position().size  # type: ignore[union-attr]
    low, high = axes.get_xlim()
    wanted = np.array([(x - low) / (high - low) * width for x, _ in points])
    row = 1 + LIFT / height
    for label, (x, y), place in zip(labels, points, places(wanted, gap, width) / width, strict=True):
        axes.annotate(
            "",
            xy=(x, y),
            xytext=(place, row),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": colour or FAINT, "linewidth": 0.8, "shrinkA": 6, "shrinkB": 2},
        )
        if colour:
            axes.plot(place, row, "o", markersize=13, color=colour, transform=axes.transAxes, clip_on=False, zorder=4)
        ink = PAPER if colour else INK
        axes.text(
            place,
            row,
            label,
            color=ink,
            ha="center",
            va="center_baseline",
            transform=axes.transAxes,
            fontsize=8,
            zorder=5,
        )


def places(wanted: Floats, gap: float, width: float) -> Floats:
    """Move points on a line of some width apart, to where the squares of their ways are least (isotonic regression)."""
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []
    for value in wanted[order] - steps:
        mean, count = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, number = blocks.pop()
            mean, count = (before * number + mean * count) / (number + count), number + count
        blocks.append((mean, count))
    settled = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
    spread = np.empty_like(wanted)
    spread[order] = np.clip(settled, 0, max(width - steps[-1], 0)) + steps
    return spread
