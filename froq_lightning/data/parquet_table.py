"""Rows of a Parquet file, as many at a time as fit into a bounded memory, whatever the file makes of a few bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from froq_lightning.data.parquet_pages import BYTE_ARRAY_FRONT_CODED, pages
from froq_lightning.errors import ConfigurationError, DataError

ROWS_AT_A_TIME = 2**12
MOST_BYTES_OF_PAGE = 2**26
MOST_ROWS_OF_ANY_FILE = 2**17
MOST_ROWS_A_BYTE = 4
MOST_BYTES_OF_FOOTER = 2**26
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
        raise DataError(f"{path.name} is not read: {error}") from error
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(f"{path.name} is no Parquet file: {error}") from error


def _rows(path: Path) -> Iterator[list[str]]:
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    plain = {"thrift_string_size_limit": MOST_BYTES_OF_FOOTER, "thrift_container_size_limit": 10**6}
    with parquet.ParquetFile(path, **plain) as opened:
        kept = _flat_columns(opened.schema)
        _check(path, opened.metadata, kept)
        coded = [name for place, name in kept.items() if _is_coded_text(opened, place)]
    # A text that stands in a million rows is kept once.
    with parquet.ParquetFile(path, read_dictionary=coded, **plain) as opened:
        names = list(kept.values())
        yield names
        for batch in opened.iter_batches(ROWS_AT_A_TIME, columns=names, use_threads=False):
            columns = [_cells(batch.column(name)) for name in names]
            yield from map(list, zip(*columns, strict=True))


def _cells(column: Any) -> list[str]:
    if hasattr(column, "dictionary"):
        words = _cells(column.dictionary)
        return ["" if place is None else words[place] for place in column.indices.to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _is_coded_text(opened: Any, place: int) -> bool:
    """Tell whether a column holds numbers of texts in a dictionary."""
    groups = range(opened.metadata.num_row_groups)
    coded = any(opened.metadata.row_group(group).column(place).has_dictionary_page for group in groups)
    return coded and opened.schema.column(place).physical_type == "BYTE_ARRAY"


def _flat_columns(schema: Any) -> dict[int, str]:
    """Name the columns that hold one value a row, by their places."""
    columns = {place: schema.column(place) for place in range(len(schema))}
    flat = {
        place: column.name
        for place, column in columns.items()
        if column.path == column.name and not column.max_repetition_level and column.physical_type in PHYSICAL_TYPES
    }
    if len(set(flat.values())) < len(flat):
        raise DataError("it has two columns of one name")
    return flat


def _check(path: Path, metadata: Any, kept: dict[int, str]) -> None:
    """Refuse what would unpack to too much."""
    size = path.stat().st_size
    if metadata.num_rows > MOST_ROWS_OF_ANY_FILE + MOST_ROWS_A_BYTE * size:
        raise DataError(f"its {size:,} bytes hold {metadata.num_rows:,} rows")
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for place in kept:
                chunk = metadata.row_group(group).column(place)
                for page in pages(file, *_extent(chunk)):
                    if page.unpacked > MOST_BYTES_OF_PAGE:
                        raise DataError(f"a page of it unpacks to {page.unpacked:,} bytes")
                    if page.encoding == BYTE_ARRAY_FRONT_CODED:
                        raise DataError("its texts are front-coded (DELTA_BYTE_ARRAY), and so of any length")


def _extent(chunk: Any) -> tuple[int, int]:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    return start, chunk.total_compressed_size
