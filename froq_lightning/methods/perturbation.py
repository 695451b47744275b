"""Pseudo-quality from perturbations: how little the embedding moves when the image is mirrored, noised, occluded.

The auxiliary quality measure of FROQ (IJCB 2025, section 3.1). It labels calibration sets, and is a method of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from froq_lightning.backbones.spec import Backbone
from froq_lightning.bounded_io import read_array
from froq_lightning.errors import ConfigurationError, DataNotFoundError
from froq_lightning.methods.quality_method import ForwardPassMethod

Perturbation = Callable[[Tensor, Tensor], object]


@dataclass(frozen=True)
class PerturbationQuality(ForwardPassMethod):
    """Mean cosine similarity between the embeddings of an image and of its perturbed versions.

    The mean is taken within each kind of perturbation, then over the kinds; 1 + noise + occlusion**2 passes.

    Args:
        flip: whether to mirror the image.
        noise: number of Gaussian masks, drawn once and shared by all images; 0 for none.
        alpha: share of the mask in the mixture (1 - alpha) * image + alpha * mask, at the network's input.
        occlusion: n for an n by n grid of tiles, blacked out one at a time; 0 for none.
        seed: of the masks.
        noise_masks: `.npy` file of `[noise, 3, H, W]` masks to take instead of drawing them.
        micro_batch: images per forward pass.
    """

    flip: bool = True
    noise: int = 10
    alpha: float = 1e-3
    occlusion: int = 8
    seed: int = 0
    noise_masks: str | None = None
    micro_batch: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.noise, self.occlusion) < 0:
            raise ConfigurationError(
                f"Expected `noise` and `occlusion` to be at least 0, but got {self.noise} and {self.occlusion}"
            )
        if not (self.flip or self.noise or self.occlusion):
            raise ConfigurationError("Expected at least one of `flip`, `noise` and `occlusion` to be on")
        if not 0 < self.alpha <= 1:
            raise ConfigurationError(f"Expected `alpha` to be in 0..1, but got {self.alpha}")

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score `[B, 3, H, W]` preprocessed inputs from the network's output for them: `[B]` float32 in -1..1."""
        terms = self.terms(backbone, inputs, backbone.embed(output))
        return torch.stack(list(terms.values())).mean(dim=0)

    def terms(self, backbone: Backbone, inputs: Tensor, embeddings: Tensor) -> dict[str, Tensor]:
        """Mean similarity for each kind of perturbation that is on.

        Args:
            backbone: the network.
            inputs: `[B, 3, H, W]` preprocessed images.
            embeddings: `[B, D]` of them, from a pass that was run anyway.

        Returns:
            "flip", "noise", "occlusion": `[B]` float32 each.
        """
        kinds = self._kinds(backbone, inputs.shape[-2:])
        every = [perturbation for perturbations in kinds.values() for perturbation in perturbations]
        similarity = inputs.new_empty((len(every), len(inputs)), dtype=torch.float32)
        with torch.no_grad():
            for start in range(0, len(inputs), self.micro_batch):
                part = slice(start, start + self.micro_batch)
                self._fill(similarity[:, part], backbone, inputs[part], embeddings[part], every)
        counts = [len(perturbations) for perturbations in kinds.values()]
        return {kind: rows.mean(dim=0) for kind, rows in zip(kinds, similarity.split(counts), strict=True)}

    def _fill(
        self, out: Tensor, backbone: Backbone, inputs: Tensor, embeddings: Tensor, every: list[Perturbation]
    ) -> None:
        """Run all perturbations of a few images, as many at once as the micro-batch holds."""
        at_once = max(1, self.micro_batch // len(inputs))
        buffer = inputs.new_empty((at_once, *inputs.shape))
        for start in range(0, len(every), at_once):
            chunk = every[start : start + at_once]
            for perturb, place in zip(chunk, buffer, strict=False):
                perturb(inputs, place)
            perturbed = backbone.embed(backbone.run(buffer[: len(chunk)].flatten(0, 1)))
            grouped = perturbed.unflatten(0, (len(chunk), len(inputs)))
            out[start : start + len(chunk)] = cosine_similarity(grouped.float(), embeddings.float(), dim=-1)

    def _kinds(self, backbone: Backbone, size: torch.Size) -> dict[str, list[Perturbation]]:
        kinds: dict[str, list[Perturbation]] = {}
        if self.flip:
            kinds["flip"] = [_mirror]
        if self.noise:
            kinds["noise"] = [partial(_mix, mask, self.alpha) for mask in self._masks(tuple(size))]
        if self.occlusion:
            black = _tile_value(backbone)
            kinds["occlusion"] = [partial(_black_out, black, *tile) for tile in _tiles(self.occlusion, tuple(size))]
        return kinds

    def _masks(self, size: tuple[int, ...]) -> Tensor:
        if self.noise_masks is None:
            return _drawn_masks(self.noise, size, self.seed)
        masks = _read_masks(self.noise_masks)
        if tuple(masks.shape) != (self.noise, 3, *size):
            raise ConfigurationError(f"Expected masks {[self.noise, 3, *size]}, but got {list(masks.shape)}")
        return masks


def _mirror(inputs: Tensor, out: Tensor) -> None:
    out.copy_(inputs.flip(-1))


def _mix(mask: Tensor, alpha: float, inputs: Tensor, out: Tensor) -> None:
    torch.mul(inputs, 1 - alpha, out=out)
    out.add_(mask.to(inputs), alpha=alpha)


def _black_out(black: Tensor, rows: slice, columns: slice, inputs: Tensor, out: Tensor) -> None:
    out.copy_(inputs)
    out[..., rows, columns] = black.to(inputs)


def _tile_value(backbone: Backbone) -> Tensor:
    """Black at the network's input; the published -1 where that is black to within half a grey level."""
    black = backbone.preprocessing.black()
    grey_level = (backbone.preprocessing(torch.ones(1, 3, *backbone.preprocessing.size))[0, :, :1, :1] - black) / 255
    return torch.where((black + 1).abs() <= 0.5001 * grey_level, -1.0, black)


def _tiles(grid: int, size: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Cut the image into a grid of tiles whose sizes differ by one pixel at most."""
    rows, columns = ([slice(length * i // grid, length * (i + 1) // grid) for i in range(grid)] for length in size)
    return [(row, column) for row in rows for column in columns]


@lru_cache(maxsize=4)
def _drawn_masks(count: int, size: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn((count, 3, *size), generator=torch.Generator().manual_seed(seed))


@lru_cache(maxsize=4)
def _read_masks(path: str) -> Tensor:
    if not Path(path).is_file():
        raise DataNotFoundError(f"noise masks {path!r} do not exist")
    try:
        masks = read_array(Path(path))
        return torch.from_numpy(masks.astype(np.float32))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"noise masks {path!r} cannot be used: {error}") from error
