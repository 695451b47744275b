"""The colours of reports, of the site and of figures: one set for a light and one for a dark page.

Those of methods can be distinguished by colour-blind people. They were searched for: of 7 colours with a contrast of
2.8 or more to the page, those whose least colour difference (CIEDE2000) is largest, in normal vision and as seen
without one kind of cone (Machado et al., 2009).
"""

from dataclasses import dataclass
from typing import Any

# Of the logo, on any page.
GREEN, AMBER = "#1d9a6c", "#e3a008"
# Of methods.
LIGHT = ("#0072b2", "#d55e00", "#379c72", "#984b6d", "#868ee7", "#a81312", "#460ff4")
DARK = ("#4fa9e6", "#ff8a3d", "#1c8868", "#bfe6a9", "#1af2f3", "#d81613", "#7f54c9")


@dataclass(frozen=True)
class Theme:
    """The colours of a page.

    Args:
        paper: behind the page.
        card: behind charts and boxes.
        ink: of text.
        soft: of text that matters less.
        faint: of axes and marks, not of text.
        line: between parts.
        accent: of links.
        best: behind the best value of a table.
        best_ink: of that value.
        note: behind notes.
        note_line: beside notes.
        bad: of what failed.
        series: of methods.
    """

    paper: str
    card: str
    ink: str
    soft: str
    faint: str
    line: str
    accent: str
    best: str
    best_ink: str
    note: str
    note_line: str
    bad: str
    series: tuple[str, ...]

    def properties(self) -> dict[str, str]:
        """Return the colours as custom properties of CSS: `--paper`, `--best-ink`, …, and `--series-0` onwards."""
        single = {f"--{name.replace('_', '-')}": colour for name, colour in vars(self).items() if name != "series"}
        return single | {f"--series-{place}": colour for place, colour in enumerate(self.series)}


LIGHT_THEME = Theme(
    paper="#ffffff",
    card="#f6f8fb",
    ink="#1a2332",
    soft="#566072",
    faint="#8c95a3",
    line="#dfe4ec",
    accent="#0b6b49",
    best="#e3f1e9",
    best_ink="#0b5d3b",
    note="#fff6e0",
    note_line=AMBER,
    bad="#b34700",
    series=LIGHT,
)
DARK_THEME = Theme(
    paper="#10151d",
    card="#181f2a",
    ink="#e8ecf3",
    soft="#a3aebf",
    faint="#75808f",
    line="#2b3443",
    accent="#5ed3a3",
    best="#12382a",
    best_ink="#7fe0b3",
    note="#2c2410",
    note_line="#b98512",
    bad="#ff8a3d",
    series=DARK,
)
# For matplotlib; the page puts its own colours of text, of lines and of what lies behind a chart in their place.
INK, FAINT, PAPER = LIGHT_THEME.ink, LIGHT_THEME.faint, LIGHT_THEME.paper
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
