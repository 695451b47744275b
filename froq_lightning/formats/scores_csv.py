"""Scores as a table: CSV (`.csv`, `.txt`, or no suffix), and the same with tabs (`.tsv`)."""

from functools import partial
from pathlib import Path

from froq_lightning.formats.format import COLUMNS, Format, Results
from froq_lightning.formats.table import fill_table, table_signature


def _write(path: Path, results: Results, delimiter: str) -> None:
    # Nine digits tell any two float32 numbers apart.
    rows = (
        (row.image, "" if row.quality_score is None else f"{row.quality_score:.9g}", *row[3:]) for row in results.rows()
    )
    fill_table(path, COLUMNS, rows, delimiter)


def _table(suffixes: tuple[str, ...], delimiter: str) -> Format:
    is_own = table_signature(COLUMNS, delimiter)
    return Format(suffixes, "scores", is_own, partial(_write, delimiter=delimiter))


CSV = _table(("", ".csv", ".txt"), ",")
TSV = _table((".tsv",), "\t")
