"""Chooses the memory format of a network's convolutions: contiguous, or channels last."""

import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError


@torch.no_grad()
def set_memory_format(backbone: Backbone, device: torch.device, channels_last: bool | None = None) -> bool:
    """Convert the network's weights to the memory format that it will run in.

    Args:
        backbone: its network.
        device: that it will run on.
        channels_last: whether the channels of a pixel are adjacent in memory. None means yes on a CPU, where that is
            faster, if the network gives the same embeddings. A network that calls `view` on its feature maps, or has
            five-dimensional weights, cannot run so.

    Returns:
        Whether the network runs with channels last.

    Raises:
        ConfigurationError: if `channels_last` is True and the network does not run so.
    """
    if channels_last is False or (channels_last is None and device.type != "cpu"):
        return False
    try:
        plain = _embeddings(backbone)
        backbone.network.to(memory_format=torch.channels_last)
        turned = _embeddings(backbone)
        reason = "" if _same(plain, turned) else "its embeddings differ"
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
    if reason:
        backbone.network.to(memory_format=torch.contiguous_format)
    if reason and channels_last:
        raise ConfigurationError(f"the network does not run with `channels_last`: {reason}")
    return not reason


def _embeddings(backbone: Backbone) -> torch.Tensor:
    """Embed two images of noise; one would not do, since some views exist only for a batch of one."""
    images = torch.rand(2, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(0))
    return backbone.embed(backbone.run(backbone.inputs(images.to(backbone.device))))


def _same(plain: torch.Tensor, turned: torch.Tensor) -> bool:
    """Whether they differ by no more than rounding."""
    return torch.allclose(plain, turned, rtol=1e-3, atol=1e-3 * float(plain.abs().max()))
