"""The stages of a convolutional network: what it holds before its feature maps shrink again."""

from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from froq_lightning.backbones.frozen import run_frozen
from froq_lightning.methods.module_calls import ModuleCall

Size = tuple[int, int]


def normalised_stages(network: nn.Module, inputs: Tensor) -> tuple[ModuleCall, ...]:
    """Find the last output of each size that a BatchNorm2d still follows, in the order in which the sizes come up.

    Outputs inside a module that takes a map of the same size are left out: they are steps of a block, and the next
    stage begins within the block that shrinks the map.

    Args:
        network: to run once.
        inputs: `[B, 3, H, W]` preprocessed images; one is enough.
    """
    watch = _Watch()
    with torch.no_grad(), ExitStack() as hooks:
        for name, module in network.named_modules():
            if name:
                hooks.enter_context(module.register_forward_pre_hook(watch.enter))
                hooks.enter_context(module.register_forward_hook(partial(watch.leave, name)))
        run_frozen(network, tuple(network.modules()), inputs.clone())
    return tuple(watch.normalised.values())


class _Watch:
    """Follows a pass from module to module.

    Attributes:
        normalised: the last output of each size when the latest BatchNorm2d began.
    """

    def __init__(self) -> None:
        self.normalised: dict[Size, ModuleCall] = {}
        self._latest: dict[Size, ModuleCall] = {}
        self._around: list[Size | None] = []
        self._runs: Counter[str] = Counter()

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if isinstance(module, nn.BatchNorm2d):
            self.normalised = dict(self._latest)
        self._around.append(_size(args[0]) if args else None)

    def leave(self, name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del module, args
        self._around.pop()
        self._runs[name] += 1
        size = _size(output)
        if size is not None and size not in self._around:
            self._latest[size] = ModuleCall(name, self._runs[name])


def _size(value: Any) -> Size | None:
    """Height and width of a map; None for anything else, and for a single pixel."""
    if not isinstance(value, Tensor) or value.ndim != 4 or value.shape[2:].numel() == 1:
        return None
    return value.shape[2], value.shape[3]
