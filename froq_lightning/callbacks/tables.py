"""CSV files that appear whole or not at all, and that no spreadsheet runs."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from froq_lightning.names import harmless
from froq_lightning.publishing import published


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a CSV file; return the number of rows."""
    count = 0
    with published(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
            count += 1
    return count
