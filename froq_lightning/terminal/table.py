"""Tables and lines, and their plain text; foreign text in them cannot break a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

# What a line is: that decides its colour, and whether it is wanted where only warnings are.
Kind = Literal["text", "title", "remark", "failure", "status"]


@dataclass(frozen=True)
class Line:
    """A line of text, or several.

    Args:
        text: of it.
        kind: a remark says why results may be wrong, a failure what could not be done, a status what was written.
    """

    text: str
    kind: Kind = "text"

    def __str__(self) -> str:
        return "\n".join(map(printable, self.text.split("\n")))


@dataclass(frozen=True)
class Table:
    """Rows in columns.

    Args:
        header: of the columns.
        rows: as many cells each.
        asides: lines that stand before the row of that number.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    asides: Mapping[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Lay rows out in columns as wide as their longest cell; numbers to the right."""
        lines = [[printable(cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        laid_out = [
            "  ".join(
                cell.rjust(width) if is_number(cell) else cell.ljust(width)
                for cell, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]
        for place, aside in sorted(self.asides.items(), reverse=True):
            laid_out.insert(place + 1, printable(aside))
        return "\n".join(f"  {line}" for line in laid_out)


Part = str | Line | Table


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out as plain text; see `Table`."""
    return str(Table(header, rows))


def printable(text: str) -> str:
    """Escape what would break a line, or speak to the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def is_number(cell: str) -> bool:
    """Whether a cell is a number, perhaps with a sign or a percent sign."""
    return cell.lstrip("+-").replace(".", "", 1).replace("%", "").isdigit()
