"""CSV files that appear whole or not at all, and that no spreadsheet runs."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.names import escape_cell


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, or one with tabs where the suffix is `.tsv`."""
    with (
        atomic_write(path, table_signature(path, header)) as place,
        place.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, delimiter=_delimiter(path), lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([escape_cell(cell) if isinstance(cell, str) else cell for cell in row])


def table_signature(path: Path, header: Sequence[str]) -> Signature:
    """Know a table of these columns by its first line."""
    return signature(re.escape(f"{_delimiter(path).join(header)}\n".encode()))


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","
