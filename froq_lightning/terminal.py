"""What a terminal shows: tables in plain text, and foreign text that cannot break a line."""

from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns as wide as their longest cell; numbers to the right."""
    lines = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    laid_out = [
        "  ".join(
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(line, widths, strict=True)
        )
        for line in lines
    ]
    return "\n".join(f"  {line.rstrip()}" for line in laid_out)


def printable(text: str) -> str:
    """Escape what would break a line, or speak to the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(".", "", 1).replace("%", "").isdigit()
