"""Chooses the memory format of a network's convolutions: contiguous, or channels last."""

from typing import Literal

import torch

from froq_lightning.backbones.batch_size import pass_seconds
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError

Measure = Literal["measure"]
# Rounds in which both formats are timed, and the images of a pass.
ROUNDS, IMAGES = 3, 32


@torch.no_grad()
def set_memory_format(backbone: Backbone, device: torch.device, channels_last: bool | Measure | None = None) -> bool:
    """Convert the network's weights to the memory format that it will run in.

    Args:
        backbone: its network.
        device: that it will run on.
        channels_last: whether the channels of a pixel are adjacent in memory. None means yes on a CPU, where that is
            faster, if the network gives the same embeddings. A network that calls `view` on its feature maps, or has
            five-dimensional weights, cannot run so. "measure" times passes of both on the device, where the network
            then lies, under autocast if that is on, and means the faster one.

    Returns:
        Whether the network runs with channels last.

    Raises:
        ConfigurationError: if `channels_last` is True and the network does not run so.
    """
    if channels_last is False or (channels_last is None and device.type != "cpu"):
        return False
    if channels_last == "measure":
        backbone.network.to(device)
    try:
        plain = _embeddings(backbone)
        backbone.network.to(memory_format=torch.channels_last)
        turned = _embeddings(backbone)
        reason = "" if _same(plain, turned) else "its embeddings differ"
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
    if reason:
        backbone.network.to(memory_format=torch.contiguous_format)
    if reason and channels_last is True:
        raise ConfigurationError(f"the network does not run with `channels_last`: {reason}")
    if reason or channels_last != "measure":
        return not reason
    return _set_faster(backbone, device)


def _set_faster(backbone: Backbone, device: torch.device) -> bool:
    """Time both formats in turn, and convert to the faster one; return whether that is channels last."""
    formats = (torch.channels_last, torch.contiguous_format)
    seconds: dict[torch.memory_format, list[float]] = {each: [] for each in formats}
    for _ in range(ROUNDS):
        for each in formats:
            backbone.network.to(memory_format=each)
            seconds[each].append(pass_seconds(backbone, IMAGES, device))
    # The least time is the one that other work on the machine has disturbed least.
    fastest = min(formats, key=lambda each: min(seconds[each]))
    backbone.network.to(memory_format=fastest)
    return fastest is torch.channels_last


def _embeddings(backbone: Backbone) -> torch.Tensor:
    """Embed two images of noise; one would not do, since some views exist only for a batch of one."""
    images = torch.rand(2, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(0))
    with torch.autocast(backbone.device.type, enabled=False):
        return backbone.embed(backbone.run(backbone.inputs(images.to(backbone.device))))


def _same(plain: torch.Tensor, turned: torch.Tensor) -> bool:
    """Whether they differ by no more than rounding."""
    return torch.allclose(plain, turned, rtol=1e-3, atol=1e-3 * float(plain.abs().max()))
