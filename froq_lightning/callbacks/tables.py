"""CSV files that appear whole or not at all, and tables for a terminal."""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a CSV file by way of a temporary one beside it; return the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    partial.replace(path)
    return count


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns as wide as their longest cell; numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        )
        for row in (header, *rows)
    ]
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def printable(text: str) -> str:
    """Escape what would break a line, or speak to the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(".", "", 1).replace("%", "").isdigit()
