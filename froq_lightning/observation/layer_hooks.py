"""Forward hooks on some layers of a network, which are there as long as a `with` block lasts."""

from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from torch import nn
from torch.utils.hooks import RemovableHandle

# Called with the number of a layer, the module, its positional arguments and its output.
Note = Callable[[int, nn.Module, tuple[Any, ...], Any], None]


class LayerHooks:
    """Calls a function whenever one of the layers has fired; a context manager that leaves no hook behind.

    Args:
        network: that has the layers.
        layers: dotted names of its modules; the same name may stand twice.
        note: the function.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], note: Note) -> None:
        modules = [network.get_submodule(name) for name in layers]
        self._hooks = [(module, partial(note, column)) for column, module in enumerate(modules)]
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        self._handles = [module.register_forward_hook(hook) for module, hook in self._hooks]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()
