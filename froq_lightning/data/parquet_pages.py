"""What the pages of a Parquet file say of themselves, read without unpacking them.

A page of a few bytes may unpack to gigabytes, whatever the file's own summary says. Page headers are Thrift structures
in the compact protocol (`PageHeader` in parquet.thrift): https://github.com/apache/parquet-format.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from froq_lightning.errors import DataError

LONGEST_HEADER = 2**16  # statistics in it may hold the longest and the shortest text
DEEPEST = 8
BYTE_ARRAY_FRONT_CODED = 7
# Numbers of fields in PageHeader, DataPageHeader and DataPageHeaderV2.
UNPACKED, PACKED, DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 2, 3, 5, 7, 8
ENCODING = {DATA_PAGE: 2, DATA_PAGE_V2: 4}
# Types of the compact protocol.
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)


@dataclass(frozen=True)
class Page:
    """A page: its size in bytes when unpacked, and how its values are encoded (-1 for a dictionary)."""

    unpacked: int
    encoding: int


def pages(file: BinaryIO, start: int, length: int) -> Iterator[Page]:
    """Walk over the pages of a column chunk.

    Args:
        file: the Parquet file.
        start: byte at which the chunk begins.
        length: of the chunk in bytes.

    Raises:
        DataError: if a header is malformed, or a page leaves the chunk.
    """
    position, end = start, start + length
    while position < end:
        file.seek(position)
        reader = _CompactReader(file.read(LONGEST_HEADER))
        header = reader.struct()
        packed, unpacked = header.get(PACKED), header.get(UNPACKED)
        if not (isinstance(packed, int) and isinstance(unpacked, int) and packed >= 0 and unpacked >= 0):
            raise DataError(f"the page at byte {position:,} has no size")
        encoding = next((header[kind].get(field, -1) for kind, field in ENCODING.items() if kind in header), -1)
        yield Page(unpacked, encoding)
        position += reader.position + packed
    if position > end:
        raise DataError(f"a page leaves its chunk at byte {end:,}")


class _CompactReader:
    """Reads structures of Thrift's compact protocol as dicts by the number of the field."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > DEEPEST:
            raise DataError("a page header is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = self._value(head & 0x0F, depth)
        return {number: value for number, value in fields.items() if value is not None}

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in (I16, I32, I64):
            return self._signed()
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind in (BYTE, DOUBLE, BINARY):
            self._skip({BYTE: 1, DOUBLE: 8}.get(kind) or self._unsigned())
            return None
        if kind in (LIST, SET):
            head = self._byte()
            for _ in range(head >> 4 if head >> 4 < 15 else self._unsigned()):
                self._value(head & 0x0F, depth + 1)
            return None
        raise DataError(f"a page header has a field of type {kind}")

    def _byte(self) -> int:
        self._skip(1)
        return self.content[self.position - 1]

    def _skip(self, count: int) -> None:
        self.position += count
        if self.position > len(self.content):
            raise DataError("a page header is cut off, or too long")

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
