"""Rows of a Parquet file, as many at a time as fit into a bounded memory, whatever the file makes of a few bytes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from froq_lightning.data.parquet_pages import Footer, pages, read_footer
from froq_lightning.errors import ConfigurationError, DataError

ROWS_AT_A_TIME = 2**12
MOST_BYTES_OF_PAGE = 2**26
MOST_ROWS_OF_ANY_FILE = 2**17
MOST_ROWS_A_BYTE = 4
MOST_COLUMNS = 4096
MOST_TIMES_ITS_SIZE = 32
FRONT_CODED = 7
PHYSICAL_TYPES = ("BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE", "BYTE_ARRAY")


def parquet_rows(path: Path) -> Iterator[list[str]]:
    """Read the names of the columns, and then row by row their cells as text; a missing cell is empty.

    Columns of anything but numbers, booleans, times and texts are left out.

    Raises:
        DataError: if it is no Parquet file, or would unpack to more memory than a table of its size needs.
        ConfigurationError: if pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("Parquet manifests need pyarrow: pip install 'froq-lightning[parquet]'") from error
    try:
        yield from _rows(path)
    except DataError as error:
        raise DataError(f"{path.name} is no Parquet file, or none that can be read safely: {error}") from error
    except (ArrowException, OSError, ValueError, LookupError, OverflowError, MemoryError) as error:
        raise DataError(f"{path.name} is no Parquet file: {error}") from error


def _rows(path: Path) -> Iterator[list[str]]:
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    with path.open("rb") as file:
        footer = read_footer(file)
        _check(file, footer)
    # A text that stands in a million rows is kept once.
    coded = {chunk.column for chunk in footer.chunks if chunk.has_dictionary and not chunk.is_nested}
    with parquet.ParquetFile(path, read_dictionary=sorted(coded)) as opened:
        names = _flat_columns(opened.schema)
        yield names
        for batch in opened.iter_batches(ROWS_AT_A_TIME, columns=names, use_threads=False):
            columns = [_cells(batch.column(name)) for name in names]
            yield from map(list, zip(*columns, strict=True))


def _cells(column: Any) -> list[str]:
    if hasattr(column, "dictionary"):
        # Of a dictionary of millions, as many words as there are rows are used at most.
        used = column.indices.unique().drop_null()
        words = dict(zip(used.to_pylist(), _cells(column.dictionary.take(used)), strict=True))
        return ["" if place is None else words[place] for place in column.indices.to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _flat_columns(schema: Any) -> list[str]:
    """Name the columns that hold one value a row."""
    if len(schema) > MOST_COLUMNS:
        raise DataError(f"it has {len(schema):,} columns")
    columns = [schema.column(place) for place in range(len(schema))]
    flat = [
        column.name
        for column in columns
        if column.path == column.name and not column.max_repetition_level and column.physical_type in PHYSICAL_TYPES
    ]
    nested = {column.path.split(".")[0] for column in columns if column.path != column.name}
    if len(set(flat)) < len(flat) or nested.intersection(flat):  # pyarrow would read all of that name
        raise DataError("it has two columns of one name")
    return flat


def _check(file: BinaryIO, footer: Footer) -> None:
    """Refuse what would unpack to too much."""
    size = file.seek(0, os.SEEK_END)
    if footer.rows > MOST_ROWS_OF_ANY_FILE + MOST_ROWS_A_BYTE * size:
        raise DataError(f"its {size:,} bytes hold {footer.rows:,} rows")
    unpacked = 0
    for chunk in footer.chunks:
        for page in pages(file, chunk):
            unpacked += page.unpacked
            if page.unpacked > MOST_BYTES_OF_PAGE or unpacked > MOST_BYTES_OF_PAGE + MOST_TIMES_ITS_SIZE * size:
                raise DataError(f"its pages unpack to {unpacked:,} bytes or more")
            if FRONT_CODED in page.encodings:
                raise DataError("its texts are front-coded (DELTA_BYTE_ARRAY), and so of any length")
