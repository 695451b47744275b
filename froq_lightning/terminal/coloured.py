"""Tables and lines in colours, laid out for the width of the terminal. Imports Rich."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import IO

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from froq_lightning.terminal.table import Kind, Line, Part, Table, printable

INDENT, GAP = 2, 2
# A column of text is made narrower, down to this, where the table is too wide.
NARROWEST = 8
STYLES: dict[Kind, str] = {"text": "", "title": "bold", "remark": "yellow", "failure": "red", "status": "dim"}
# For qualities from 0 on, from 20 on, and so on: red to green, readable on light and on dark.
SCALE = (160, 166, 136, 64, 28)
QUALITY = "quality"
# Columns; more than any line has.
UNBOUNDED = 1_000_000
# A number with a sign, a percent sign, or a mark; an interval; or what stands for one.
NUMBER = r"[+-]?[\d.,]+(e[+-]?\d+)?(\s?%)?(\s?[!*])?"
NUMERIC = re.compile(rf"{NUMBER}( to {NUMBER})?|-|…|nan|")
# Where an interval may be folded.
TO = " to "


def console_of(stream: IO[str], width: int | None = None) -> Console:
    """Make a console that interprets no text; by default as wide as the terminal, where there is one."""
    if width is None and not stream.isatty():
        width = UNBOUNDED  # a pipe that is to have colours
    return Console(file=stream, force_terminal=True, width=width, markup=False, emoji=False, highlight=False)


def print_coloured(stream: IO[str], parts: Sequence[Part]) -> None:
    """Print lines and tables."""
    console = console_of(stream)
    for part in parts:
        if isinstance(part, Table):
            _print_table(console, part)
        else:
            _print_line(console, part if isinstance(part, Line) else Line(part))
    stream.flush()


def quality_style(cell: str) -> str:
    """Return the colour of a quality in 0..100; none for other text."""
    if not cell.isdigit() or int(cell) > 100:
        return ""
    return f"color({SCALE[min(int(cell) // 20, len(SCALE) - 1)]})"


def _print_line(console: Console, line: Line) -> None:
    """Print a line; words are folded, but not the path behind a status, which is to be copied."""
    if line.kind == "status":
        what, colon, path = str(line).partition(": ")
        console.print(Text.assemble((what + colon, "dim"), path), soft_wrap=True)
    else:
        for each in str(line).split("\n"):
            text = each.lstrip()
            indented = Padding(
                Text(text, style=STYLES[line.kind], overflow="fold"), (0, 0, 0, len(each) - len(text)), expand=False
            )
            console.print(indented if text else "")


def _print_table(console: Console, table: Table) -> None:
    header = [printable(cell).strip() for cell in table.header]
    rows = [[printable(cell) for cell in row] for row in table.rows]
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    numeric = [bool(column) and all(NUMERIC.fullmatch(cell.strip()) for cell in column) for column in columns]
    spare = console.width - INDENT - GAP * (len(header) - 1)
    widths = _widths(header, columns, numeric, spare)
    if sum(widths) > spare:  # the terminal wraps it; nothing is cut
        console = console_of(console.file, UNBOUNDED)
    starts = [0, *sorted(table.asides), len(rows)]
    for start, end in pairwise(starts):
        if start in table.asides:
            console.print(Text(" " * INDENT + printable(table.asides[start]), style="dim"))
        laid_out = RichTable(
            box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=not start, header_style="bold"
        )
        for name, is_numeric, width in zip(header, numeric, widths, strict=True):
            laid_out.add_column(Text(name, justify="right" if is_numeric else "left"), width=width, overflow="fold")
        for row in rows[start:end]:
            cells = zip(header, row, widths, numeric, strict=True)
            laid_out.add_row(*(_cell(name, text, width, is_numeric=right) for name, text, width, right in cells))
        console.print(Padding(laid_out, (0, 0, 0, INDENT), expand=False))


def _cell(name: str, text: str, width: int, *, is_numeric: bool) -> Text:
    style = quality_style(text.strip()) if name == QUALITY else ""
    if is_numeric:  # here, since Rich would drop the spaces that stand for a missing mark
        text = text.lstrip()
        lines = text.replace(TO, f"{TO.rstrip()}\n").split("\n") if cell_len(text) > width else [text]
        text = "\n".join(line.rjust(width) for line in lines)
    return Text(text, style=style or ("dim" if text.strip() in ("-", "…") else ""))


def _widths(header: Sequence[str], columns: Sequence[Sequence[str]], numeric: Sequence[bool], spare: int) -> list[int]:
    """Return how wide columns are: as their longest cell, or where that is too much, as wide as there is room for.

    Headers and text are folded first, then intervals, and numbers never.
    """
    described = list(zip(header, columns, numeric, strict=True))
    wanted = [_longest([name], column) if right else _longest([name, *column]) for name, column, right in described]
    whole = [
        _longest(name.split(), column) if right else min(width, NARROWEST)
        for width, (name, column, right) in zip(wanted, described, strict=True)
    ]
    folded = [
        _longest(name.split(), "\n".join(column).replace(TO, f"{TO.rstrip()}\n").split("\n")) if right else width
        for width, (name, column, right) in zip(whole, described, strict=True)
    ]
    widths = next((each for each in (wanted, whole, folded) if sum(each) <= spare), wanted)
    while (left := spare - sum(widths)) > 0:
        growing = [at for at, width in enumerate(widths) if width < wanted[at]]
        if not growing:
            break
        for at in growing[:left]:
            widths[at] += 1
    return widths


def _longest(texts: Sequence[str], numbers: Sequence[str] = ()) -> int:
    """Return the width of the longest text, or number, whose leading spaces do not count."""
    return max(map(cell_len, [*texts, *(number.lstrip() for number in numbers), ""]))
