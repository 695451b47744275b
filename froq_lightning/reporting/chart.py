"""Charts as SVG that takes the colours and the typeface of the page around it. They hold no names, only numbers."""

import io
import re

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from froq_lightning.reporting.palette import FAINT, INK, variables

NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
# What has a meaning in a file of its own only: numbered identifiers, namespaces, a style for the whole document.
STANDALONE = re.compile(r' id="[A-Za-z0-9.]+_\d+"| xmlns(:xlink)?="[^"]*"|<defs>\s*<style.*?</defs>\s*', re.DOTALL)


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
    """Draw a chart, to be put into a page; the same chart of the same name gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=NO_METADATA)
    drawing = buffer.getvalue()
    drawing = STANDALONE.sub("", drawing[drawing.index("<svg") :])
    for colour, variable in variables().items():
        drawing = drawing.replace(f": {colour}", f": var({variable})")
    return Markup(drawing)  # noqa: S704 - drawn by matplotlib, without any name
