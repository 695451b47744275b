"""Seeded degradations that make a calibration set of good photographs span the range of quality."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from froq_lightning.errors import ConfigurationError, UnknownNameError


def blur(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """Gaussian blur, standard deviation up to 4 % of the width."""
    del generator
    sigma = max(0.04 * severity * image.shape[-1], 0.1)
    radius = max(1, math.ceil(3 * sigma))
    return transforms.gaussian_blur(image, [2 * radius + 1] * 2, [sigma, sigma])


def downscale(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """Resolution lost by shrinking to as little as 10 % of the width and enlarging again."""
    del generator
    size = list(image.shape[-2:])
    small = [max(1, round(length * 0.1**severity)) for length in size]
    return transforms.resize(transforms.resize(image, small, antialias=True), size, antialias=True)


def noise(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """Gaussian noise, independent in every value, standard deviation up to 60 grey levels."""
    grain = torch.randn(image.shape, generator=generator) * (60 * severity)
    return (image + grain).round().clamp(0, 255).to(torch.uint8)


def jpeg(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """JPEG compression, quality 60 down to 3."""
    del generator
    file = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=round(60 - 57 * severity))
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).contiguous()


KINDS: dict[str, Callable[[Tensor, float, torch.Generator], Tensor]] = {
    "blur": blur,
    "downscale": downscale,
    "noise": noise,
    "jpeg": jpeg,
}


@dataclass(frozen=True)
class Degradations:
    """Degrades a share of the images, or copies of all of them, each in one way with a random severity.

    What happens to an image depends on the seed and its position in the source alone, to a copy on its number too.

    Args:
        share: of the images that are degraded, 0..1.
        kinds: to draw from: blur, downscale, noise, jpeg.
        seed: of the draws.
        copies: how many degraded copies of every image there are beside it, which is left as it is; not together with a
            `share`.
    """

    share: float = 0.5
    kinds: tuple[str, ...] = tuple(KINDS)
    seed: int = 0
    copies: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigurationError(f"Expected `share` to be in 0..1, but got {self.share}")
        if self.copies < 0:
            raise ConfigurationError(f"Expected `copies` to be at least 0, but got {self.copies}")
        if self.copies and (self.share or not self.kinds):
            raise ConfigurationError(
                "Expected a `share` of 0, which leaves the images themselves as they are, and some `kinds` beside "
                f"`copies`, but got {self.share} and {list(self.kinds)}"
            )
        for kind in self.kinds:
            if kind not in KINDS:
                raise UnknownNameError.among("degradation", kind, KINDS)

    @property
    def is_on(self) -> bool:
        """Whether anything is degraded."""
        return self.share > 0 or self.copies > 0

    def facts(self) -> dict[str, Any]:
        """Say what is degraded, as JSON values; of `share` and `copies` the one that is in use."""
        unused = "share" if self.copies else "copies"
        return {name: value for name, value in asdict(self).items() if name != unused} | {"kinds": list(self.kinds)}

    def __call__(self, image: Tensor, index: int, copy: int = 0) -> tuple[Tensor, str]:
        """Degrade the `[3, H, W]` uint8 image at a position; return it with a note, empty if it was left alone.

        Args:
            image: as it was read.
            index: its position in the source.
            copy: number of the copy, each of which is degraded; 0 for the image itself.
        """
        draw = np.random.default_rng([self.seed, index, copy] if copy else [self.seed, index])
        if not copy and (not self.kinds or draw.random() >= self.share):
            return image, ""
        kind = self.kinds[int(draw.integers(len(self.kinds)))]
        severity = float(draw.uniform(0.1, 1.0))
        generator = torch.Generator().manual_seed(int(draw.integers(2**31)))
        return KINDS[kind](image, severity, generator), f"degraded: {kind} {severity:.2f}"
