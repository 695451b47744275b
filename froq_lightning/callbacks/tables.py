"""CSV files that appear whole or not at all, and that no spreadsheet runs."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from froq_lightning.names import harmless
from froq_lightning.publishing import published


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    with published(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
