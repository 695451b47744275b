"""Charts as SVG in the colours and the typeface of the page around them. They hold no names, only numbers."""

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.reporting.palette import FAINT, INK, PAPER, variables

NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
# What an artist was given as its `gid` becomes classes: on a page, an identifier may be used only once.
CLASSES = re.compile(r' id="(curve[ \w-]*)"')
# Digits of coordinates that nobody sees.
DECIMALS = re.compile(r"(\.\d\d)\d+")
PATH = re.compile(r' d="[^"]*"')
# What has a meaning in a file of its own only: numbered identifiers, namespaces, a style for the whole document.
STANDALONE = re.compile(r' id="[A-Za-z0-9.]+_\d+"| xmlns(:xlink)?="[^"]*"|<defs>\s*<style.*?</defs>\s*', re.DOTALL)

# Height of the row of callouts above the axes, in inches.
CALLOUT_HEIGHT = 0.28


def empty_chart(width: float, height: float, margins: tuple[float, float, float, float]) -> tuple[Figure, Axes]:
    """Make a chart of that size in inches; margins left, right, bottom and top, in inches too."""
    figure = Figure(figsize=(width, height))
    left, right, bottom, top = margins
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    axes = figure.add_axes(box)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, length=3, width=0.8)
    axes.tick_params(axis="y", length=0)
    axes.ticklabel_format(useOffset=False)
    return figure, axes


def share_axis(axes: Axes, label: str) -> None:
    """Let the x axis show shares, 0 to 100 %."""
    axes.set_xlim(0, 1.01)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], [f"{percent} %" for percent in range(0, 101, 20)])
    axes.set_xlabel(label, color=INK)


def svg(figure: Figure, name: str) -> Markup:
    """Return a chart as HTML; the same chart of the same name gives the same text.

    What was drawn with a `gid` of "curve" and a mark of a stroke has these words as its classes.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=NO_METADATA)
    drawing = buffer.getvalue()
    drawing = STANDALONE.sub("", drawing[drawing.index("<svg") :])
    drawing = CLASSES.sub(r' class="\1"', drawing)
    drawing = PATH.sub(lambda path: DECIMALS.sub(r"\1", path[0]), drawing)
    for colour, variable in variables().items():
        drawing = drawing.replace(f": {colour}", f": var({variable})")
    return Markup(drawing)  # noqa: S704 - drawn by matplotlib, without any name


def draw_callouts(
    axes: Axes, labels: Sequence[str], points: Sequence[tuple[float, float]], gap: float, colour: str | None = None
) -> None:
    """Write labels in a row above the axes, each with a line to its point; the limits of the axes must be set.

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
    row = 1 + CALLOUT_HEIGHT / height
    for label, (x, y), place in zip(labels, points, spread_out(wanted, gap, width) / width, strict=True):
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


def spread_out(wanted: Floats, gap: float, width: float) -> Floats:
    """Move points on a line apart, until they are `gap` from each other, by as little as possible.

    This is isotonic regression: with the gaps subtracted, the nearest rising sequence by least squares.
    """
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
