"""Passes of a frozen network that change neither the network, nor what another pass returned."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_map_only


def run_frozen(forward: Callable[[Tensor], Any], modules: Sequence[nn.Module], inputs: Tensor) -> Any:
    """Call a network in eval mode, and return a copy of its output.

    A network may change its input in place, so that what is needed again is given as a copy, and it may return a buffer
    that its next pass overwrites. Modules that somebody set to train mode, in which dropout draws and BatchNorm learns,
    are back in it afterwards.

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
