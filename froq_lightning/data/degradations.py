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


def blur(image: Tensor, severity: float, _: torch.Generator) -> Tensor:
    """Gaussian blur, standard deviation up to 4 % of the width."""
    sigma = max(0.04 * severity * image.shape[-1], 0.1)
    radius = max(1, math.ceil(3 * sigma))
    return transforms.gaussian_blur(image, [2 * radius + 1] * 2, [sigma, sigma])


def downscale(image: Tensor, severity: float, _: torch.Generator) -> Tensor:
    """Resolution lost by shrinking to as little as 10 % of the width and enlarging again."""
    size = list(image.shape[-2:])
    small = [max(1, round(length * 0.1**severity)) for length in size]
    return transforms.resize(transforms.resize(image, small, antialias=True), size, antialias=True)


def noise(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """Gaussian noise, independent in every value, standard deviation up to 60 grey levels."""
    grain = torch.randn(image.shape, generator=generator) * (60 * severity)
    return (image + grain).round().clamp(0, 255).to(torch.uint8)


def jpeg(image: Tensor, severity: float, _: torch.Generator) -> Tensor:
    """JPEG compression, quality 60 down to 3."""
    file = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=round(60 - 57 * severity))
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).contiguous()


def dark(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """Less light, down to 5 %, with a standard deviation of 3 grey levels of noise, as of a sensor."""
    return noise(_brightened(image, 1 - 0.95 * severity), 0.05, generator)


def bright(image: Tensor, severity: float, _: torch.Generator) -> Tensor:
    """More light, up to four times, where white clips."""
    return _brightened(image, 1 + 3 * severity)


def occlusion(image: Tensor, severity: float, generator: torch.Generator) -> Tensor:
    """A grey rectangle anywhere in the image, of sides up to 60 % of its own."""
    sides = [max(1, round(0.6 * severity * length)) for length in image.shape[-2:]]
    top, left = (
        int(torch.randint(length - side + 1, (1,), generator=generator))
        for length, side in zip(image.shape[-2:], sides, strict=True)
    )
    covered = image.clone()
    covered[:, top : top + sides[0], left : left + sides[1]] = 90
    return covered


def _brightened(image: Tensor, factor: float) -> Tensor:
    return (image * factor).round().clamp(0, 255).to(torch.uint8)


KINDS: dict[str, Callable[[Tensor, float, torch.Generator], Tensor]] = {
    "blur": blur,
    "downscale": downscale,
    "noise": noise,
    "jpeg": jpeg,
    "dark": dark,
    "bright": bright,
    "occlusion": occlusion,
}


@dataclass(frozen=True)
class Degradations:
    """Degrades a share of the images, or copies of all of them, each in one way with a random severity.

    What happens to an image depends on the seed and its position in the source alone, to a copy on its number too.

    Args:
        share: of the images that are degraded, 0..1.
        kinds: to draw from: blur, downscale, noise, jpeg, dark, bright, occlusion.
        seed: of the draws.
        copies: how many degraded copies of every image there are beside it; if not said, as many as the labels want:
            one for labels that are made by comparing copies with images, else none.
    """

    share: float = 0.5
    kinds: tuple[str, ...] = tuple(KINDS)
    seed: int = 0
    copies: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigurationError(f"Expected `share` to be in 0..1, but got {self.share}")
        if self.copies is not None and self.copies < 0:
            raise ConfigurationError(f"Expected `copies` to be at least 0, but got {self.copies}")
        if self.copies and not self.kinds:
            raise ConfigurationError(
                "Expected some `kinds` to make `copies` by, but got none; set `copies` to 0 for none"
            )
        for kind in self.kinds:
            if kind not in KINDS:
                raise UnknownNameError.among("degradation", kind, KINDS)

    @property
    def is_on(self) -> bool:
        """Whether anything is degraded."""
        return self.share > 0 or bool(self.copies)

    def facts(self) -> dict[str, Any]:
        """Say what is degraded, as JSON values."""
        return {**asdict(self), "kinds": list(self.kinds)}

    def __call__(self, image: Tensor, index: int, copy: int = 0) -> tuple[Tensor, str]:
        """Degrade the `[3, H, W]` uint8 image at a position; return it with a note, empty if it was left alone.

        Args:
            image: as it was read.
            index: its position in the source.
            copy: number of the copy, which is degraded once more; 0 for the image itself.
        """
        draw = np.random.default_rng([self.seed, index])
        note = ""
        if self.kinds and draw.random() < self.share:
            image, note = self._degraded(image, draw)
        if copy:
            image, again = self._degraded(image, np.random.default_rng([self.seed, index, copy]))
            note = f"{note}, {again}" if note else again
        return image, note and f"degraded: {note}"

    def _degraded(self, image: Tensor, draw: np.random.Generator) -> tuple[Tensor, str]:
        kind = self.kinds[int(draw.integers(len(self.kinds)))]
        severity = float(draw.uniform(0.1, 1.0))
        generator = torch.Generator().manual_seed(int(draw.integers(2**31)))
        return KINDS[kind](image, severity, generator), f"{kind} {severity:.2f}"
