"""Pickles read without unpickling: an interpreter of numbers, lists, bytes and arrays of them that calls nothing.

Python's own unpickler imports and calls whatever a file names. Here names are compared with those that numpy's arrays
and Python's bytes are written with, which become inert values; every other one is refused as soon as it is read.
"""

import mmap
import pickletools
import struct
from pathlib import Path
from typing import IO, Any, cast

from froq_lightning.bounded_io import require_file
from froq_lightning.data.pickled_values import Array, ElementType, Span
from froq_lightning.errors import DataError

ARRAYS = ("numpy.core", "numpy._core")
KNOWN = {
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    **{f"{room} {name}": "bytes" for room in ("builtins", "__builtin__") for name in ("bytes", "bytearray")},
    **{f"{room}.multiarray _reconstruct": "array" for room in ARRAYS},
    **{f"{room}.multiarray scalar": "scalar" for room in ARRAYS},
    **{f"{room}.numeric _frombuffer": "buffer" for room in ARRAYS},
}
LATIN = (b"latin1", b"latin-1")
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"}
# Bytes between an opcode and its content, and whether that is text.
CONTENTS = {
    "SHORT_BINBYTES": (2, False),
    "BINBYTES": (5, False),
    "BINBYTES8": (9, False),
    "BYTEARRAY8": (9, False),
    "SHORT_BINSTRING": (2, False),
    "BINSTRING": (5, False),
    "SHORT_BINUNICODE": (2, True),
    "BINUNICODE": (5, True),
    "BINUNICODE8": (9, True),
}
# A list of half a million images takes fewer; more would fill the memory with what is only remembered.
MOST_OPERATIONS = 2_000_000
MARK = object()


class _Name(str):
    """What one of the known names stands for."""

    __slots__ = ()


def read_pickle(path: Path) -> tuple[Any, mmap.mmap]:
    """Read numbers, booleans, None, lists and tuples; bytes as `Span`, arrays as `Array`.

    Returns:
        the value, and the file's content, which spans cut their bytes out of.

    Raises:
        DataError: if the file is no pickle, or holds anything else; the text names it. Nothing of it ever runs.
    """
    require_file(path, path.name)
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty")
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    machine = _Machine(content)
    try:
        for count, (operation, argument, place) in enumerate(pickletools.genops(cast("IO[bytes]", content))):
            if count == MOST_OPERATIONS:
                raise DataError(f"has more than {MOST_OPERATIONS:,} operations")  # noqa: TRY301 - named below
            machine.run(operation.name, argument, place or 0)
        return machine.stack.pop(), content
    except DataError as error:
        raise DataError(f"{path.name} {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError, struct.error) as error:
        raise DataError(f"{path.name} is no pickle, or damaged: {error}") from error


class _Machine:
    """The stack and the memory that the operations of a pickle work on."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, name: str, argument: Any, place: int) -> None:
        if name in NUMBERS:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in CONTENTS:
            self._push_content(name, argument, place)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._push_name(argument)
        elif name in OPERATIONS:
            OPERATIONS[name](self)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise DataError(f"wants what an array of images does not need: {name}")

    def _push_content(self, name: str, argument: str | bytes, place: int) -> None:
        before, text = CONTENTS[name]
        size = len(argument.encode("utf-8", "surrogatepass") if text and isinstance(argument, str) else argument)
        self.stack.append(Span(place + before, place + before + size, text))

    def _push_name(self, argument: str | None) -> None:
        if argument is None:
            name, module = self._text(self.stack.pop()), self._text(self.stack.pop())
            argument = f"{module} {name}"
        if argument not in KNOWN:
            raise DataError(f"wants {argument.replace(' ', '.')!r}, which is neither list, bytes nor array; not run")
        self.stack.append(_Name(KNOWN[argument]))

    def _text(self, span: Span) -> str:
        return span.of(self.content).decode("latin-1")

    def mark(self) -> None:
        self.stack.append(MARK)

    def empty_list(self) -> None:
        self.stack.append([])

    def pop(self) -> None:
        self.stack.pop()

    def duplicate(self) -> None:
        self.stack.append(self.stack[-1])

    def marked(self) -> list[Any]:
        """Take what stands above the last mark off the stack, and the mark."""
        items = []
        while (item := self.stack.pop()) is not MARK:
            items.append(item)
        return items[::-1]

    def append(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise DataError("appends to what is no list")
        self.stack[-1].extend(items)

    def take(self, count: int) -> None:
        """Make a tuple of the last items."""
        items = self.stack[-count:]
        if len(items) < count:
            raise IndexError("the stack is empty")
        del self.stack[-count:]
        self.stack.append(tuple(items))

    def reduce(self) -> None:
        """Stand in for a call: the value that would be made, not made."""
        arguments, called = self.stack.pop(), self.stack.pop()
        if type(called) is not _Name or type(arguments) is not tuple:
            raise DataError("calls what is no known name; not run")
        self.stack.append(self._made(called, arguments))

    def _made(self, called: str, arguments: tuple[Any, ...]) -> Any:
        if called == "array":
            return Array()
        if called == "dtype":
            return ElementType.named(self._text(arguments[0]))
        if called == "scalar":
            return Array().fill(arguments[0], (), arguments[1])
        if called == "buffer":
            content, element, shape, order = arguments
            return Array().fill(element, shape, content, fortran=self._text(order) == "F")
        if not arguments:
            return Span(0, 0)
        if len(arguments) > 1 and arguments[1].of(self.content) not in LATIN:
            raise DataError("holds bytes as text in another encoding than Latin-1")
        return Span(arguments[0].start, arguments[0].stop, arguments[0].text)

    def build(self) -> None:
        """Give an array or an element type its content."""
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is ElementType:
            target.build(self._text(state[1]), state[2:5])
        elif type(target) is Array:
            _, shape, element, fortran, content = state
            target.fill(element, shape, content, fortran=bool(fortran))
        else:
            raise DataError("sets the state of what is no array")


OPERATIONS = {
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": lambda machine: machine.marked() and None,
    "DUP": _Machine.duplicate,
    "EMPTY_LIST": _Machine.empty_list,
    "LIST": lambda machine: machine.stack.append(machine.marked()),
    "APPEND": lambda machine: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine: machine.append(machine.marked()),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.marked())),
    "TUPLE1": lambda machine: machine.take(1),
    "TUPLE2": lambda machine: machine.take(2),
    "TUPLE3": lambda machine: machine.take(3),
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}
