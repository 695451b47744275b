"""What a pickle would make, followed without making it: how large its tuples are, and what it calls.

A dictionary hashes a tuple that is its key, and with it all that is in it: a few tuples of tuples take forever, and a
deep one ends the process. And of what `weights_only=True` calls, some functions make much of little.
"""

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import Any, NamedTuple

from froq_lightning.errors import WeightsError

MOST_ITEMS = 100_000
DEEPEST = 50
MARK = None
TEXT, BYTES, LIST, DICTIONARY, NOTHING = "text", "bytes", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE"
# What bytes, byte arrays, sets and counters are written as. Other arguments of these functions may be endless, and
# bytes that were encoded once are longer each time that they are again.
CALLS: dict[str, tuple[str, ...]] = {
    "_codecs.encode": (TEXT, "latin1"),
    "builtins.bytearray": (BYTES,),
    "builtins.set": (LIST,),
    "collections.Counter": (DICTIONARY,),
}


class Value(NamedTuple):
    """A value of a pickle.

    Args:
        items: how many there are in it, counting what it holds as often as it holds it; 1 in anything but a tuple.
        depth: how deep tuples lie in it.
        kind: `TEXT`, `BYTES`, `LIST`, `DICTIONARY`, `NOTHING`, the dotted name of a global, or none of these.
        text: of a string.
        values: of a short tuple.
    """

    items: int = 1
    depth: int = 0
    kind: str = ""
    text: str = ""
    values: tuple["Value", ...] = ()


PLAIN = Value()


class PickleStack:
    """Follows the stack and the memory of a pickle.

    Args:
        file: its name, for errors.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._stack: list[Value | None] = []
        self._memory: dict[int, Value] = {}

    def run(self, operation: pickletools.OpcodeInfo, argument: Any) -> None:
        """Follow an operation.

        Raises:
            WeightsError: if it makes a tuple too large or too deep, or calls what makes much of little.
            IndexError: if it takes what is not there.
        """
        name, stack = operation.name, self._stack
        if name == "STOP":
            stack.clear()
            self._memory.clear()
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self._memory[len(self._memory) if name == "MEMOIZE" else argument] = stack[-1] or PLAIN
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memory.get(argument, PLAIN))
        elif name == "MARK":
            stack.append(MARK)
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "GLOBAL":
            stack.append(Value(kind=dotted_name(argument)))
        elif name in (LIST, DICTIONARY, NOTHING):
            stack.append(Value(kind=name))
        elif isinstance(argument, str):
            stack.append(Value(kind=TEXT, text=argument))
        else:
            taken = self._take(operation)
            self._check_call(name, taken)
            stack += [self._made(name, taken)] * len(operation.stack_after)

    def _take(self, operation: pickletools.OpcodeInfo) -> list[Value]:
        """Take what the operation takes from the stack, the last one first."""
        taken: list[Value] = []
        for kind in reversed(operation.stack_before):
            if kind is pickletools.stackslice:
                while (item := self._stack.pop()) is not MARK:
                    taken.append(item)
            elif kind is not pickletools.markobject:
                taken.append(self._stack.pop() or PLAIN)
        return taken

    def _check_call(self, name: str, taken: list[Value]) -> None:
        """Let the functions in `CALLS` be called as pickles do, and nothing else be done with them."""
        function = next((value.kind for value in taken if value.kind in CALLS), None)
        if function is None:
            return
        given = taken[0].values
        fitting = len(given) == len(CALLS[function]) and all(
            wanted in (value.kind, value.text) for value, wanted in zip(given, CALLS[function], strict=True)
        )
        if name != "REDUCE" or taken[1].kind != function or not (fitting or taken[0].kind == NOTHING):
            raise WeightsError(f"{self._file} holds more than tensors, and could fill the memory; it was not opened")

    def _made(self, name: str, taken: list[Value]) -> Value:
        if name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS"):  # the list or dictionary that was added to
            return taken[-1]
        if name == "REDUCE" and taken[1].kind == "_codecs.encode":
            return Value(kind=BYTES)
        if not name.startswith("TUPLE"):
            return PLAIN
        items = 1 + sum(value.items for value in taken)
        depth = 1 + max((value.depth for value in taken), default=0)
        if items > MOST_ITEMS or depth > DEEPEST:
            raise WeightsError(f"{self._file} holds more than tensors: tuples of tuples, beyond all measure")
        return Value(items, depth, values=tuple(reversed(taken)) if len(taken) <= 2 else ())


def dotted_name(argument: str) -> str:
    """Return the name in Python 3 of a global, of which a pickle states module and name."""
    module, _, name = argument.partition(" ")
    return ".".join(NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name)))
