"""Tables with commas or tabs, whose cells no spreadsheet runs, and the scores as such a table."""

import csv
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.formats.format import COLUMNS, DEFECTS, Format, Results, cells, columns
from froq_lightning.names import escape_cell


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, or one with tabs where the suffix is `.tsv`; it appears whole or not at all."""
    with atomic_write(path, table_signature(header, delimiter_of(path))) as place:
        fill_table(place, header, rows, delimiter_of(path))


def fill_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str) -> None:
    """Write rows to a path, cell by cell as text that stays a single cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([escape_cell(cell) if isinstance(cell, str) else cell for cell in row])


def table_signature(header: Sequence[str], delimiter: str = ",") -> Signature:
    """Know a table of these columns by its first line."""
    return signature(re.escape(f"{delimiter.join(header)}\n".encode()))


def delimiter_of(path: Path) -> str:
    """Return the tab for `.tsv`, else the comma."""
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _write_scores(path: Path, results: Results, delimiter: str) -> None:
    # Nine digits tell any two float32 numbers apart.
    names = results.components()
    rows = (
        (row.image, "" if row.quality_score is None else f"{row.quality_score:.9g}", *cells(row, names)[2:])
        for row in results.rows()
    )
    fill_table(path, columns(results), rows, delimiter)


def _scores(suffixes: tuple[str, ...], delimiter: str) -> Format:
    # Whatever components were measured by the version that wrote it.
    measured = f"({delimiter}{DEFECTS}({delimiter}[A-Za-z]+)+)?\n"
    is_own = signature(re.escape(delimiter.join(COLUMNS).encode()) + measured.encode())
    return Format(suffixes, "scores", is_own, partial(_write_scores, delimiter=delimiter))


CSV = _scores(("", ".csv", ".txt"), ",")
TSV = _scores((".tsv",), "\t")
