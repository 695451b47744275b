"""How large the tuples of a pickle would be, counting what they hold as often as they hold it.

A dictionary hashes a tuple that is its key, and with it all that is in it: a few tuples of tuples take forever, and a
deep one ends the process.
"""

import pickletools
from typing import Any

from froq_lightning.errors import WeightsError

MOST_ITEMS = 100_000
DEEPEST = 50
MARK = None
# How many items there are in a value, and how deep tuples lie in it; of anything but a tuple, which is hashed alone.
Size = tuple[int, int]
PLAIN: Size = (1, 0)


class PickleTuples:
    """Follows the stack and the memory of a pickle, of whose values it knows nothing but the size of tuples."""

    def __init__(self) -> None:
        self._stack: list[Size | None] = []
        self._memory: dict[int, Size] = {}

    def run(self, operation: pickletools.OpcodeInfo, argument: Any) -> None:
        """Follow an operation.

        Raises:
            WeightsError: if it makes a tuple too large or too deep.
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
        else:
            taken = self._take(operation)
            made = _tuple_of(taken) if name.startswith("TUPLE") else PLAIN
            stack += [made] * len(operation.stack_after)

    def _take(self, operation: pickletools.OpcodeInfo) -> list[Size]:
        taken: list[Size] = []
        for kind in reversed(operation.stack_before):
            if kind is pickletools.stackslice:
                while (item := self._stack.pop()) is not MARK:
                    taken.append(item)
            elif kind is not pickletools.markobject:
                taken.append(self._stack.pop() or PLAIN)
        return taken


def _tuple_of(items: list[Size]) -> Size:
    size = 1 + sum(size for size, _ in items)
    depth = 1 + max((depth for _, depth in items), default=0)
    if size > MOST_ITEMS or depth > DEEPEST:
        raise WeightsError("the checkpoint holds more than tensors: tuples of tuples, beyond all measure")
    return size, depth
