"""Which parts of a face pull its score down: occlusion differences (Zeiler and Fergus, ECCV 2014), read the other way.

Where Zeiler and Fergus cover a part and watch the score of a class fall, here a part is replaced by what a very coarse
copy of the face has there, and what matters is where the quality score rises: what stood there did harm.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.quality_method import QualityMethod

# Cells of a map along either side. A window of 2 by 2 cells is replaced at a time, so that windows overlap by half.
GRID = 14
WINDOW = 2
# Pixels of the coarse copy along either side: enough for the colours of the place, too few for a trace of an occluder.
COARSE = 4
# Standard deviation, as a share of the side, of the Gaussian about the middle of the crop that weighs the cells: what
# stands behind a face moves the norms as well, but is no part of it.
SPREAD = 0.2


def quality_map(method: QualityMethod, backbone: Backbone, images: Tensor, batch_size: int = 32) -> Tensor:
    """Map which parts of faces pull their scores down; 170 passes an image.

    Every window of an image is replaced, one after the other, by the same window of a coarse copy of the image. A cell
    is the mean, over the windows that contain it, of the score with the window replaced, less the score of the image;
    it is weighted by a Gaussian about the middle of the crop, 1 in the middle.

    Args:
        method: whose scores are explained.
        backbone: the network.
        images: `[B, 3, H, W]` RGB, uint8 or floating point in 0..1; H and W are at least 14.
        batch_size: images in a pass; it changes maps by rounding only.

    Returns:
        `[B, 14, 14]` float64 on the CPU, in units of the raw score. Above 0, the cell pulls the score down; below 0, it
        carries it. NaN where the network gives no finite score.

    Raises:
        ImageError: if the images are of another shape or type, or have values that are not finite or not in 0..1.
    """
    backbone.preprocessing.require(images)
    levels = images.float().div(255) if images.dtype == torch.uint8 else images.float()
    maps = [_image_map(method, backbone, image, batch_size) for image in levels]
    return torch.stack(maps) if maps else torch.empty(0, GRID, GRID, dtype=torch.float64)


def at_crop_size(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge `[B, 14, 14]` maps to `[B, *size]`, bilinearly."""
    return functional.interpolate(maps[:, None], size, mode="bilinear", align_corners=False)[:, 0]


def _image_map(method: QualityMethod, backbone: Backbone, image: Tensor, batch_size: int) -> Tensor:
    variants = _variants(image)
    scores = []
    while chunk := [variant for _, variant in zip(range(batch_size), variants, strict=False)]:
        scores.append(method.score(backbone, torch.stack(chunk)).double().cpu())
    original, replaced = torch.cat(scores).tensor_split([1])
    side = GRID - WINDOW + 1
    return _mean_over_windows((replaced - original).view(1, 1, side, side)) * _weights()


def _variants(image: Tensor) -> Iterator[Tensor]:
    """Yield the `[3, H, W]` image, and behind it a copy for every window, row by row, in which that is replaced."""
    yield image
    coarse = functional.interpolate(
        functional.adaptive_avg_pool2d(image[None], COARSE), image.shape[-2:], mode="bilinear", align_corners=False
    )[0]
    down, across = ([length * cell // GRID for cell in range(GRID + 1)] for length in image.shape[-2:])
    for top, bottom in zip(down, down[WINDOW:], strict=False):
        for left, right in zip(across, across[WINDOW:], strict=False):
            variant = image.clone()
            variant[:, top:bottom, left:right] = coarse[:, top:bottom, left:right]
            yield variant


def _mean_over_windows(differences: Tensor) -> Tensor:
    """Average `[1, 1, W, W]` differences of windows over those that contain a cell: `[W + 1, W + 1]`."""
    window = differences.new_ones(1, 1, WINDOW, WINDOW)
    sums, counts = (
        functional.conv_transpose2d(values, window) for values in (differences, torch.ones_like(differences))
    )
    return (sums / counts)[0, 0]


def _weights() -> Tensor:
    distances = (torch.arange(GRID, dtype=torch.float64) + 0.5) / GRID - 0.5
    weights = torch.exp(-(distances**2) / (2 * SPREAD**2))
    return weights[:, None] * weights
