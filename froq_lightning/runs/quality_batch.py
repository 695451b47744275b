"""The scores of a batch, from one forward pass, and the rows of a step of `predict`."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.journal.block import Block
from froq_lightning.methods.froq import FroqQuality

# Why an image fails that the network gives no numbers for.
NOT_FINITE = "the network gives NaN or infinite values for it"
OK, FAILED = "ok", "failed"


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
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {name: each.to(*args, **kwargs) for name, each in tensors.items() if isinstance(each, Tensor)}
        return replace(self, **moved)


@dataclass(frozen=True)
class ScoredBatch(QualityBatch):
    """The rows of a step of `predict`: all images that were asked for, by their position.

    Args:
        keys: B names.
        sample_index: `[B]` int64, positions in the data set.
        status: B times "ok" or "failed".
        reason: B texts: why an image failed, or a remark, mostly empty.
    """

    keys: tuple[str, ...] = ()
    sample_index: Tensor = torch.empty(0, dtype=torch.int64)  # noqa: RUF009 - never written to
    status: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()

    @classmethod
    def of(cls, batch: FaceBatch, scores: QualityBatch) -> Self:
        """Join the scores of a batch with what is known of its images; a score that is not finite is a failure."""
        finite, index = scores.quality_score.isfinite(), batch.sample_index.tolist()
        remarks = zip(index, batch.keys, finite.tolist(), batch.notes, strict=True)
        rows = [(at, key, *((OK, note) if is_finite else (FAILED, NOT_FINITE))) for at, key, is_finite, note in remarks]
        rows = sorted(rows + [(sample.index, sample.key, FAILED, sample.note) for sample in batch.failures])
        places, keys, status, reason = zip(*rows, strict=True) if rows else ((), (), (), ())
        scored = torch.tensor([each == OK for each in status], dtype=torch.bool)
        by_index = torch.tensor(index, dtype=torch.int64)[finite].argsort()

        def spread(values: Tensor, missing: float) -> Tensor:
            column = values.new_full((len(rows), *values.shape[1:]), missing)
            column[scored] = values[finite][by_index]
            return column

        embeddings = None if scores.embeddings is None else spread(scores.embeddings, torch.nan)
        score, quality = spread(scores.quality_score, torch.nan), spread(scores.quality, -1)
        return cls(score, quality, embeddings, keys, torch.tensor(places, dtype=torch.int64), status, reason)

    def block(self) -> Block:
        """Write the rows for the journal; those that failed have no tensors."""
        rows = list(zip(self.sample_index.tolist(), self.keys, self.status, self.reason, strict=True))
        facts = {
            "samples": len(rows),
            "images": [key for _, key, status, _ in rows if status == OK],
            "notes": [reason for _, _, status, reason in rows if status == OK],
            "failures": [(index, key, reason) for index, key, status, reason in rows if status != OK],
        }
        tensors = {"index": self.sample_index, "quality_score": self.quality_score, "quality": self.quality}
        if self.embeddings is not None:
            tensors["embeddings"] = self.embeddings
        scored = torch.tensor([status == OK for status in self.status], dtype=torch.bool)
        return Block(facts, {name: tensor[scored] for name, tensor in tensors.items()})


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
