"""What a Parquet file says of its pages, in its footer and before each of them, read without unpacking any.

A page of a few bytes may unpack to gigabytes. Field numbers are those of parquet.thrift:
https://github.com/apache/parquet-format.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from froq_lightning.data.thrift import BINARY, I32, I64, STRUCT, CompactReader, Fields, Int32, Int64, ListOf
from froq_lightning.errors import DataError

MAGIC = b"PAR1"
TAIL = 4 + len(MAGIC)
LONGEST_FOOTER = 2**22
LONGEST_HEADER = 2**16  # it may hold the first and the last text of the page
# FileMetaData, RowGroup, ColumnChunk, ColumnMetaData.
NUM_ROWS, ROW_GROUPS, COLUMNS, META_DATA = 3, 4, 1, 3
PATH, PACKED_CHUNK, FIRST_DATA_PAGE, FIRST_DICTIONARY = 3, 7, 9, 11
COLUMN_FIELDS = {2, 3, 4, 5, 6, 7}  # places of indexes beside the description
SIZE_STATISTICS = 16
FILE_LISTS = {2: STRUCT, 4: STRUCT, 5: STRUCT, 7: STRUCT}
GROUP_LISTS = {1: STRUCT, 4: STRUCT}
COLUMN_LISTS = {2: I32, 3: BINARY, 8: STRUCT, 13: STRUCT}
SIZE_LISTS = {2: I64, 3: I64}
# PageHeader, DataPageHeader, DataPageHeaderV2.
UNPACKED, PACKED, DATA_PAGE, DATA_PAGE_V2 = 2, 3, 5, 8
ENCODING = {DATA_PAGE: 2, DATA_PAGE_V2: 4}


@dataclass(frozen=True)
class Page:
    """A page: its size in bytes when unpacked, and how its values are encoded, by all that it says of that."""

    unpacked: int
    encodings: tuple[int, ...]


@dataclass(frozen=True)
class Chunk:
    """The pages of a column in a group of rows: the column's path, where they begin, and how long they are in bytes."""

    column: str
    start: int
    length: int
    has_dictionary: bool
    is_nested: bool


@dataclass(frozen=True)
class Footer:
    """What stands at the end of a file: the number of rows, and the chunks of the columns."""

    rows: int
    chunks: tuple[Chunk, ...]


def read_footer(file: BinaryIO) -> Footer:
    """Read the footer of a Parquet file.

    Raises:
        DataError: if it is malformed or too long.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read(TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or not 0 < length <= min(size - TAIL, LONGEST_FOOTER):
        raise DataError("it has no footer, or one that is too long")
    file.seek(size - TAIL - length)
    stated = CompactReader(file.read(length)).struct()
    groups = _items(stated, ROW_GROUPS, FILE_LISTS)
    columns = [_described(column) for group in groups for column in _items(group, COLUMNS, GROUP_LISTS)]
    chunks = tuple(map(_chunk, columns))
    if sum(chunk.length for chunk in chunks) > size:
        raise DataError("its columns are longer than it is")
    rows = sum(_field(group, NUM_ROWS, Int64) for group in groups)
    return Footer(max(rows, _field(stated, NUM_ROWS, Int64)), chunks)


def pages(file: BinaryIO, chunk: Chunk) -> Iterator[Page]:
    """Walk over the pages of a chunk.

    Raises:
        DataError: if a header is malformed, or a page leaves the chunk.
    """
    position, end = chunk.start, chunk.start + chunk.length
    while position < end:
        file.seek(position)
        reader = CompactReader(file.read(LONGEST_HEADER))
        header = reader.struct()
        packed, unpacked = _field(header, PACKED, Int32), _field(header, UNPACKED, Int32)
        if min(packed, unpacked) < 0:
            raise DataError(f"the page at byte {position:,} has no size")
        told = [(_field(header, kind, dict), field) for kind, field in ENCODING.items() if kind in header]
        yield Page(unpacked, tuple(_field(kind, field, Int32) for kind, field in told))
        position += reader.position + packed
    if position > end:
        raise DataError(f"a page leaves its chunk at byte {end:,}")


def _chunk(column: Fields) -> Chunk:
    path = _field(column, PATH, ListOf)
    start, length = _field(column, FIRST_DATA_PAGE, Int64), _field(column, PACKED_CHUNK, Int64)
    dictionary = _field(column, FIRST_DICTIONARY, Int64) if FIRST_DICTIONARY in column else 0
    if min(start, length) < 0 or dictionary >= max(start, 1):
        raise DataError("its footer describes a column that cannot be")
    first = dictionary if dictionary > 0 else start
    return Chunk(b".".join(path).decode("utf-8"), first, length, dictionary > 0, len(path) > 1)


def _described(column: Fields) -> Fields:
    """Return what a column says of itself; one that is encrypted, or lies in another file, is refused."""
    if set(column) - COLUMN_FIELDS:
        raise DataError("a column of it is encrypted, or lies in another file")
    described = _field(column, META_DATA, dict)
    _check_lists(described, COLUMN_LISTS)
    _check_lists(described.get(SIZE_STATISTICS, {}), SIZE_LISTS)
    return described


def _items(fields: Fields, number: int, kinds: dict[int, int]) -> list[Fields]:
    _check_lists(fields, kinds)
    return _field(fields, number, ListOf)


def _check_lists(fields: Any, kinds: dict[int, int]) -> None:
    """Refuse lists of other items than they have: pyarrow reads them without looking at the type."""
    if not isinstance(fields, dict):
        raise DataError("its footer is malformed")
    for number, kind in kinds.items():
        items = fields.get(number)
        if isinstance(items, ListOf) and items.kind != kind:
            raise DataError(f"a list in its footer, field {number}, has items of type {items.kind}")


def _field(fields: Fields, number: int, kind: type) -> Any:
    value = fields.get(number)
    if not isinstance(value, kind):
        raise DataError(f"a structure has no field {number} of its kind")
    return value
