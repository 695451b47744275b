"""Colours of methods, told apart by the colour-blind (after Okabe and Ito), each for a light and for a dark page."""

from dataclasses import dataclass

LIGHT = ("#0072b2", "#d55e00", "#008f6b", "#b8578c", "#c08a00", "#3a9fd8", "#6b5b95")
DARK = ("#4fa9e6", "#ff8a3d", "#2fc49a", "#e08fbc", "#f0b429", "#8fd0f5", "#b3a4e0")
# For matplotlib; the page puts its own colours of text, of lines and of what lies behind a chart in their place.
INK, FAINT, PAPER = "#1a2332", "#8c95a3", "#ffffff"
# Of what a calibration chose, in every chart.
CHOSEN = LIGHT[0]
DASHES = ("", "5 2", "2 1.5")


@dataclass(frozen=True)
class Stroke:
    """How the line of a method is drawn.

    Args:
        colour: on a light page.
        variable: that holds its colour in the style of the page.
        dashes: lengths of dashes and gaps, as in SVG; empty for a solid line.
    """

    colour: str
    variable: str
    dashes: str

    @classmethod
    def of(cls, number: int) -> "Stroke":
        """Take the stroke of the method of that number: colours first, then dashes."""
        place = number % len(LIGHT)
        return cls(LIGHT[place], f"--series-{place}", DASHES[number // len(LIGHT) % len(DASHES)])

    @property
    def style(self) -> object:
        """The line style for matplotlib."""
        return (0, tuple(map(float, self.dashes.split()))) if self.dashes else "solid"


def variables() -> dict[str, str]:
    """Names in the style of the page by the colour that matplotlib draws with."""
    series = {colour: f"--series-{place}" for place, colour in enumerate(LIGHT)}
    return {**series, INK: "--ink", FAINT: "--faint", PAPER: "--card"}
