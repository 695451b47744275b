"""Structures of Thrift's compact protocol, read as far as Parquet needs them.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from froq_lightning.errors import DataError

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
DEEPEST = 16
LONGEST_VARINT = 10  # bytes
HIGHEST_FIELD = 2**15 - 1

Fields = dict[int, Any]


class Int32(int):
    """An integer that was written as one of 32 bits; readers pass over a field of another type than they expect."""


class Int64(int):
    """An integer that was written as one of 64 bits."""


class ListOf(list[Any]):
    """A list, and the type of its items; some readers take that for granted.

    Args:
        kind: of the items.
        items: themselves.
    """

    def __init__(self, kind: int, items: Iterable[Any]) -> None:
        super().__init__(items)
        self.kind = kind


@dataclass
class CompactReader:
    """Walks forward through bytes; what leads out of them is refused.

    Args:
        content: the bytes.
        position: of what is read next.
    """

    content: bytes
    position: int = 0

    def struct(self, depth: int = 0) -> Fields:
        """Read a structure: integers, booleans, texts, lists and structures by the numbers of their fields.

        Raises:
            DataError: if it is malformed, or nested too deeply.
        """
        if depth > DEEPEST:
            raise DataError("a structure is nested too deeply")
        fields: Fields = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._signed()
            if number in fields or not 0 < number <= HIGHEST_FIELD:  # readers differ in what they make of those
                raise DataError(f"a structure has field {number}, or has it twice")
            kind = head & 0x0F
            fields[number] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        if kind in (I16, I32, I64):
            return {I32: Int32, I64: Int64}.get(kind, int)(self._signed())
        if kind in (DOUBLE, BINARY):
            return self._take(8 if kind == DOUBLE else self._unsigned())
        if kind in (LIST, SET):
            if depth > DEEPEST:
                raise DataError("a structure is nested too deeply")
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._unsigned()
            return ListOf(head & 0x0F, (self._value(head & 0x0F, depth + 1) for _ in range(count)))
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise DataError(f"a structure has a field of type {kind}")

    def _take(self, count: int) -> bytes:
        taken = self.content[self.position : self.position + count]
        self.position += count
        if self.position > len(self.content):
            raise DataError("a structure is cut off")
        return taken

    def _byte(self) -> int:
        return self._take(1)[0]

    def _unsigned(self) -> int:
        value = 0
        for place in range(LONGEST_VARINT):
            byte = self._byte()
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value
        raise DataError("a structure has a number of more than 64 bits")

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
