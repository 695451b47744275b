"""Taps on the outputs of some layers of a network, as long as a `with` block lasts."""

from collections.abc import Callable, Sequence
from threading import Lock, RLock
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from froq_lightning.backbones.frozen import run_frozen

# Called with the number of a layer and its output.
Note = Callable[[int, Any], None]
# One lock for each network: only one thread at a time taps it.
_locks: WeakKeyDictionary[nn.Module, Any] = WeakKeyDictionary()
_locks_guard = Lock()


class LayerTaps:
    """Calls a function with whatever the layers return; a context manager that leaves nothing behind.

    The blocks of several threads on one network take turns.

    A tap replaces a module's `forward`. That costs a fraction of a forward hook, since modules with hooks are
    called in another, longer way, and it also sees layers whose `forward` is called directly. Two kinds are tapped by a
    hook after all: modules that have forward hooks already, which may change what they return, and the parts of a
    `nn.TransformerEncoderLayer`, which are called one by one only where there are hooks.

    Args:
        network: that has the layers.
        layers: dotted names of its modules; the same name may stand twice.
        note: the function.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], note: Note) -> None:
        self.network = network
        self._every_module = tuple(network.modules())
        self._modules = [network.get_submodule(name) for name in layers]
        fused = (module for module in network.modules() if isinstance(module, nn.TransformerEncoderLayer))
        self._fused = {part for module in fused for part in module.modules()}
        self._note_output = note
        self._replaced: list[tuple[dict[str, Any], Any]] = []
        self._handles: list[RemovableHandle] = []

    def run(self, inputs: Tensor) -> Any:
        """Return the network's output for preprocessed inputs, which it may change."""
        return run_frozen(self.network, self._every_module, inputs)

    def __enter__(self) -> Self:
        _lock(self.network).acquire()
        for column, module in enumerate(self._modules):
            if module._forward_hooks or module in self._fused:
                self._handles.append(module.register_forward_hook(_hook(self._note_output, column)))
            else:
                attributes = vars(module)
                self._replaced.append((attributes, attributes.get("forward")))
                attributes["forward"] = _tap(module.forward, self._note_output, column)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()
        while self._replaced:
            attributes, forward = self._replaced.pop()
            if forward is None:
                del attributes["forward"]
            else:
                attributes["forward"] = forward
        _lock(self.network).release()


def _lock(network: nn.Module) -> Any:
    """Return the lock of a network. It is kept outside the network, since a lock cannot be pickled."""
    with _locks_guard:
        return _locks.setdefault(network, RLock())


def _tap(forward: Callable[..., Any], note: Note, column: int) -> Callable[..., Any]:
    def tapped(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        note(column, output)
        return output

    return tapped


def _hook(note: Note, column: int) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
    def hook(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        note(column, output)

    return hook
