"""The images that a graph is checked on."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import DataError

# More would make the check take longer than the export.
MOST_IMAGES = 64
RANDOM_IMAGES = 24


def random_images(size: tuple[int, int]) -> Tensor:
    """Make `[24, 3, *size]` uint8 images from smooth to rough, the same every time."""
    generator = torch.Generator().manual_seed(0)
    smooth = interpolate(torch.rand(RANDOM_IMAGES, 3, 5, 5, generator=generator), size, mode="bilinear")
    noise = torch.rand(RANDOM_IMAGES, 3, *size, generator=generator)
    share = torch.linspace(0, 1, RANDOM_IMAGES).view(-1, 1, 1, 1)
    return (smooth.lerp(noise, share) * 255).round().to(torch.uint8)


def first_images(data: FaceDataModule) -> Tensor:
    """Read the first crops of a source, `[N, 3, H, W]` uint8 with N up to 64; images that fail are passed over.

    Raises:
        DataError: if every image fails.
    """
    data.setup("predict")
    parts: list[Tensor] = []
    reason = ""
    for batch in data.predict_dataloader():
        if len(batch.images):
            parts.append(batch.images)
        reason = reason or next((f"; {failure.key}: {failure.note}" for failure in batch.failures), "")
        if sum(map(len, parts)) >= MOST_IMAGES:
            break
    if not parts:
        raise DataError(f"no image of {data.source} can be used to check the graph{reason}")
    return torch.cat(parts)[:MOST_IMAGES]
