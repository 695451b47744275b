"""Colours of methods, one set for a light and one for a dark page, which colour-blind people can distinguish.

They were searched for: of 7 colours with a contrast of 2.8 or more to the page, those whose least colour difference
(CIEDE2000) is largest, in normal vision and as seen without one kind of cone (Machado et al., 2009).
"""

from dataclasses import dataclass
from typing import Any

LIGHT = ("#0072b2", "#d55e00", "#379c72", "#984b6d", "#868ee7", "#a81312", "#460ff4")
DARK = ("#4fa9e6", "#ff8a3d", "#1c8868", "#bfe6a9", "#1af2f3", "#d81613", "#7f54c9")
# For matplotlib; the page puts its own colours of text, of lines and of what lies behind a chart in their place.
INK, FAINT, PAPER = "#1a2332", "#8c95a3", "#ffffff"
# Of what a calibration chose, in every chart.
CHOSEN = LIGHT[0]
DASHES = ("", "5 2", "2 1.5", "8 2 2 2")


@dataclass(frozen=True)
class Stroke:
    """How the line of a method is drawn.

    Args:
        colour: on a light page.
        variable: that holds its colour in the style of the page.
        dashes: lengths of dashes and gaps, as in SVG; empty for a solid line.
        mark: class of what is drawn of it, by which a page shows and hides it.
    """

    colour: str
    variable: str
    dashes: str
    mark: str

    @classmethod
    def of(cls, number: int) -> "Stroke":
        """Take the stroke of the method of that number: colours first, then dashes."""
        place = number % len(LIGHT)
        dashes = DASHES[number // len(LIGHT) % len(DASHES)]
        return cls(LIGHT[place], f"--series-{place}", dashes, f"series-{number}")

    @property
    def style(self) -> object:
        """The line style for matplotlib."""
        return (0, tuple(map(float, self.dashes.split()))) if self.dashes else "solid"

    @property
    def line(self) -> dict[str, Any]:
        """Colour, style and classes of a line that a page shows and hides, for matplotlib."""
        return {"color": self.colour, "linestyle": self.style, "gid": f"curve {self.mark}"}


def variables() -> dict[str, str]:
    """Names in the style of the page by the colour that matplotlib draws with."""
    series = {colour: f"--series-{place}" for place, colour in enumerate(LIGHT)}
    return {**series, INK: "--ink", FAINT: "--faint", PAPER: "--card"}
