"""Tables in text files and Parquet, row by row, every cell as text."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from froq_lightning.data.parquet_table import parquet_rows
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.reading import told_by_name

Rows = Iterator[list[str]]


def read_table(path: Path, delimiter: str = ",") -> tuple[list[str], Rows]:
    """Read the header of a CSV or Parquet file, and its rows one by one; an empty file has neither.

    Blank lines are skipped; a missing cell of a Parquet file is empty.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it is no such file, or a row has not as many cells as the header; perhaps not before that row.
        ConfigurationError: if it is a Parquet file and pyarrow is not installed.
    """
    if not path.is_file():
        raise DataNotFoundError(f"file {str(path)!r} does not exist")
    rows = parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path, delimiter)
    header = next(rows, [])
    return [cell.strip() for cell in header], rows


def find_column(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Find the column that has the first of some names, whatever their case; None if there is none."""
    lower = [cell.lower() for cell in header]
    return next((lower.index(name) for name in names if name in lower), None)


def _csv_rows(path: Path, delimiter: str) -> Rows:
    try:
        with told_by_name(path.name), path.open(encoding="utf-8-sig", newline="") as file:
            cells = 0
            for row in csv.reader(file, delimiter=delimiter, strict=True):
                if row and len(row) != (cells or len(row)):
                    raise DataError(f"{path.name}: a row has not as many cells as the header: {row}")
                cells = cells or len(row)
                if row:
                    yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is no CSV in UTF-8: {error}") from error
