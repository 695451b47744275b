"""Random scores: the baseline that every other method has to beat."""

from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.quality_method import RandomMethod


@dataclass(frozen=True)
class RandomQuality(RandomMethod):
    """Uniform scores that a hash of the image's pixels decides: an image always gets the same one.

    Args:
        seed: of the hash.
    """

    seed: int = 0

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8, or 0..1, rounded to grey levels): `[B]` float64 in 0..1."""
        backbone.preprocessing.require(images)
        grey_levels = images if images.dtype == torch.uint8 else images.mul(255).round().clamp(0, 255).byte()
        scores = [_uniform(self.seed, image.numpy().tobytes()) for image in grey_levels.cpu()]
        return torch.tensor(scores, dtype=torch.float64, device=images.device)

    def redraw(self, scores: Tensor, draws: int) -> Tensor:
        """Draw again for the images that got `[N]` scores: `[N, draws]`, the first column being these scores."""
        again = [[_uniform(draw, str(score).encode()) for draw in range(1, draws)] for score in scores.tolist()]
        columns = torch.tensor(again, dtype=torch.float64).view(len(scores), draws - 1)
        columns[scores.isnan()] = torch.nan
        return torch.cat([scores.double().cpu()[:, None], columns], dim=1)


def _uniform(seed: int, pixels: bytes) -> float:
    digest = blake2b(f"{seed}:".encode() + pixels, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
