"""The order in which a network's convolutions hold the values of a feature map."""

import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError


@torch.no_grad()
def set_memory_format(backbone: Backbone, device: torch.device, channels_last: bool | None = None) -> bool:
    """Bring the network's weights into the order of memory that it is to run in.

    Args:
        backbone: its network.
        device: that it will run on.
        channels_last: whether the channels of a pixel lie next to each other. None decides: on a CPU, where that is
            faster, they do, if the network gives the same embeddings so. One that calls `view` on its feature maps, or
            has five-dimensional weights, does not run at all.

    Returns:
        Whether the network runs with channels last.

    Raises:
        ConfigurationError: if it shall and cannot.
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
    """Embeddings of two images of noise: of one, a view exists that of two does not."""
    images = torch.rand(2, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(0))
    return backbone.embed(backbone.run(backbone.inputs(images.to(backbone.device))))


def _same(plain: torch.Tensor, turned: torch.Tensor) -> bool:
    """Whether they differ by no more than rounding."""
    return torch.allclose(plain, turned, rtol=1e-3, atol=1e-3 * float(plain.abs().max()))
