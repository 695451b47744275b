"""A progress bar as one line. Imports Rich."""

from typing import TextIO

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from froq_lightning.terminal.coloured import console_of
from froq_lightning.terminal.table import printable

WIDEST, NARROWEST = 40, 8
DONE = "color(28)"


def bar_line(stream: TextIO, what: str, share: float | None, text: str) -> str:
    """Render what is done, how far it is, and a text, in one line that is no longer than the terminal is wide.

    Args:
        stream: that it is for.
        what: is done.
        share: that is done, 0..1; without one there is no bar.
        text: behind the bar.
    """
    console = console_of(stream)
    spare = console.width - 1 - len(what) - len(text) - 4  # the cursor stands behind it
    parts: list[RenderableType] = [Text(printable(what), "bold")]
    if share is not None and spare >= NARROWEST:
        width = min(spare, WIDEST)
        parts.append(ProgressBar(total=1.0, completed=share, width=width, complete_style=DONE, finished_style=DONE))
    room = console.width - 1 - len(what) - 2
    parts.append(Text(printable(text) if len(text) <= room else printable(text)[: max(room - 1, 0)] + "…"))
    return _rendered(console, parts)


def _rendered(console: Console, parts: list[RenderableType]) -> str:
    with console.capture() as captured:
        for place, part in enumerate(parts):
            console.print("  " if place else "", part, end="", sep="", soft_wrap=True)
    return captured.get()
