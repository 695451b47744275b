"""The values of a pickle that is read without calling anything: arrays and bytes by their place in the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import DataError

# Element types of arrays; those of objects, text and records are not read.
TYPES = frozenset({"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"})


@dataclass(frozen=True)
class Span:
    """Bytes, by where they stand in the file: `start` up to `stop`; `text` if as UTF-8 of Latin-1 characters."""

    start: int
    stop: int
    text: bool = False

    def of(self, content: Any) -> bytes:
        """Cut the bytes out of a file's content.

        Raises:
            UnicodeError: if they are text with characters beyond Latin-1.
        """
        return self.decoded(content[self.start : self.stop])

    def decoded(self, stored: bytes) -> bytes:
        """Turn what is stored into the bytes."""
        return stored.decode("utf-8").encode("latin-1") if self.text else stored


@dataclass
class ElementType:
    """A numpy dtype, such as "u1". Its byte order may follow."""

    code: str

    @classmethod
    def named(cls, code: str) -> "ElementType":
        """Check a code of numpy's.

        Raises:
            DataError: if arrays of it are not read.
        """
        if code.lstrip("|<=") not in TYPES:
            raise DataError(f"holds an array of type {code!r}; Expected numbers or booleans")
        return cls(code.lstrip("|<="))

    def build(self, order: str, rest: Sequence[Any]) -> None:
        """Take the byte order; whatever makes the type a record is refused."""
        if any(part is not None for part in rest):
            raise DataError("holds an array of records; Expected numbers or booleans")
        self.code = f">{self.code}" if order == ">" else self.code


@dataclass
class Array:
    """A numpy array or scalar. What it holds may follow."""

    element: ElementType | None = None
    shape: tuple[int, ...] = ()
    content: Span = Span(0, 0)
    fortran: bool = False

    def fill(self, element: Any, shape: Any, content: Any, *, fortran: bool = False) -> "Array":
        """Take type, shape and content.

        Raises:
            DataError: if they are something else.
        """
        whole = type(shape) is tuple and all(type(length) is int for length in shape)
        if type(element) is not ElementType or type(content) is not Span or not whole:
            raise DataError("holds a malformed array")
        self.element, self.shape, self.content, self.fortran = element, shape, content, fortran
        return self

    def value(self, content: bytes) -> npt.NDArray[Any]:
        """Make the array of its own bytes.

        Raises:
            DataError: if they do not fit its shape.
        """
        if self.element is None:
            raise DataError("holds an array without content")
        try:
            return np.frombuffer(content, self.element.code).reshape(self.shape, order="F" if self.fortran else "C")
        except ValueError as error:
            raise DataError(f"holds a malformed array: {error}") from error
