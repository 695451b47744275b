"""Runs a frozen network without side effects on the network, its input, or earlier outputs."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_map_only


def run_frozen(forward: Callable[[Tensor], Any], modules: Sequence[nn.Module], inputs: Tensor) -> Any:
    """Call a network in eval mode, and return a copy of its output.

    The output is copied because a network may return a buffer that its next pass overwrites. A network may also change
    its input in place: callers pass a copy of what they need again. Modules in train mode are restored to it.

    Args:
        forward: the network, or what calls it.
        modules: all modules of the network.
        inputs: `[B, 3, H, W]` preprocessed images.
    """
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        return tree_map_only(Tensor, Tensor.clone, forward(inputs))
    finally:
        for module in training:
            module.training = True
