"""Tables with commas or tabs, whose cells no spreadsheet runs, and the scores as such a table."""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.data.tables import PATH_COLUMNS, finite_number, is_whole, read_table
from froq_lightning.errors import DataError
from froq_lightning.formats.format import COLUMNS, DEFECTS, Format, Results, cells, columns
from froq_lightning.names import escape_cell
from froq_lightning.runs.quality_batch import FAILED, OK, ScoredRow

# What columns of scores may be called: ours, and those of OFIQ.
SCORE, QUALITY = ("quality_score", "UnifiedQualityScore"), ("quality", "UnifiedQualityScore.scalar")


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


def read_table_rows(path: Path) -> Iterator[ScoredRow]:
    """Read the scores in a table, text or Parquet, whose columns may stand in any order and beside others.

    Raises:
        DataError: if a column is missing, or a quality is no whole number in -1..100.
    """
    table = read_table(path)
    image, score, quality = (table.column(*names) for names in (PATH_COLUMNS, SCORE, QUALITY))
    if image is None or score is None or quality is None:
        raise DataError(
            f"Expected {path.name} to be what `froq predict` wrote, with the columns image, quality_score and quality, "
            f"but got {', '.join(table.header[:12]) or 'nothing'}"
        )
    remark = table.column(COLUMNS[-1])
    for index, (number, row) in enumerate(table.rows()):
        text, value = row[quality], finite_number(row[score])
        if not (text == "-1" or (is_whole(text) and int(text) <= 100)):
            raise DataError(f"{table.where(number)}: Expected a quality in 0..100, or -1, but got {text!r}")
        reason = "" if remark is None else row[remark]
        if text == "-1" or math.isnan(value):
            yield ScoredRow(index, table.path(number, row[image]), None, -1, FAILED, reason)
        else:
            yield ScoredRow(index, table.path(number, row[image]), value, int(text), OK, reason)


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
    return Format(suffixes, "scores", is_own, partial(_write_scores, delimiter=delimiter), read=read_table_rows)


CSV = _scores(("", ".csv", ".txt"), ",")
TSV = _scores((".tsv",), "\t")
