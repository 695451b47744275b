"""The scores of a batch, from one forward pass."""

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.froq import FroqQuality

# Why an image fails that the network gives no numbers for.
NOT_FINITE = "the network gives NaN or infinite values for it"


@dataclass(frozen=True)
class QualityBatch:
    """Scores of the crops of a batch.

    Args:
        quality_score: `[B]` float64 on the CPU, unbounded, higher is better; NaN or infinite if the image failed.
        quality: `[B]` int64, 0..100, the percentage of the calibration set that scored lower; -1 if the image failed.
        embeddings: `[B, D]` float32 on the CPU as the network gives them, if they were asked for.
    """

    quality_score: Tensor
    quality: Tensor
    embeddings: Tensor | None = None

    @classmethod
    def empty(cls) -> Self:
        """Scores of no crops."""
        return cls(torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64))

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the tensors to a device; Lightning calls this where it keeps predictions."""
        embeddings = None if self.embeddings is None else self.embeddings.to(*args, **kwargs)
        return type(self)(self.quality_score.to(*args, **kwargs), self.quality.to(*args, **kwargs), embeddings)


def score_batch(method: FroqQuality, backbone: Backbone, images: Tensor, *, embeddings: bool) -> QualityBatch:
    """Score `[B, 3, H, W]` RGB crops (uint8, or floating point in 0..1) by an Observer, in one pass.

    Raises:
        ImageError: if they are of another shape or type, or have values that are not finite or not in 0..1.
    """
    if not len(images):
        return QualityBatch.empty()
    if not embeddings:
        scores = method.score(backbone, images).cpu()
        return QualityBatch(scores, method.observer.quality(scores))
    scores, embedded = method.score_and_embed(backbone, images)
    scores = scores.cpu()
    # A copy: what comes out of inference mode could not be computed with.
    return QualityBatch(scores, method.observer.quality(scores), embedded.float().cpu().clone())
