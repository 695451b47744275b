"""Single runs of a network's modules within a pass, and other values put in the place of what one of them returns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class ModuleCall:
    """The run of a module that is meant, since a module may run several times in a pass.

    Args:
        name: dotted name of the module.
        number: of the run, from 1.
    """

    name: str
    number: int


@contextmanager
def replaced_output(network: nn.Module, call: ModuleCall, replace: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let a network go on with `replace(output)` after that run of a module, for a single pass."""
    runs = 0

    def hook(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        nonlocal runs
        del module, args
        runs += 1
        return replace(output) if runs == call.number else None

    with network.get_submodule(call.name).register_forward_hook(hook):
        yield
