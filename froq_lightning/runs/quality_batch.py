"""The scores of a batch, from one forward pass, and the rows of a step of `predict`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, islice
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.defects.components import COMPONENTS
from froq_lightning.defects.defects import defects
from froq_lightning.defects.scale import FAILURE
from froq_lightning.journal.block import Block
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.names import escape_cell
from froq_lightning.terminal import text_table

# Why an image fails that the network gives no numbers for.
NOT_FINITE = "the network gives NaN or infinite values for it"
OK, FAILED = "ok", "failed"
ROWS_SHOWN = 20


class ScoredRow(NamedTuple):
    """An image and its quality.

    Args:
        sample_index: its position in the data set.
        image: its name.
        quality_score: raw, higher is better; None if the image failed.
        quality: 0..100, the percentage of the calibration set that scored lower; -1 if the image failed.
        status: ok or failed.
        reason: why it failed, or a remark.
        defects: what is wrong with it, the worst first; empty if nothing is, or if that was not asked for.
        components: quality components by name, 0..100, higher is better, -1 where one could not be computed; empty if
            they were not asked for.
    """

    sample_index: int
    image: str
    quality_score: float | None
    quality: int
    status: str
    reason: str
    defects: tuple[str, ...] = ()
    components: Mapping[str, int] = {}

    def measured(self, values: Sequence[int]) -> Self:
        """Return the row with the values of its components, in the order of `COMPONENTS`, and what they tell."""
        components = dict(zip(COMPONENTS, values, strict=True))
        return self._replace(defects=defects(components), components=components)


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


@dataclass(frozen=True, repr=False)
class ScoredBatch(QualityBatch):
    """A table with a row for every image that was asked for, by position: of a step of `predict`, or of a scorer.

    Iterating gives each row as a `ScoredRow`, and so does an index; printed, it shows them.

    Args:
        keys: B names.
        sample_index: `[B]` int64, positions in the data set.
        status: B times "ok" or "failed".
        reason: B texts: why an image failed, or a remark, mostly empty.
        components: `[B, C]` int16, quality components in the order of `COMPONENTS`; -1 where one could not be computed;
            None if they were not asked for.
    """

    keys: tuple[str, ...] = ()
    sample_index: Tensor = torch.empty(0, dtype=torch.int64)  # noqa: RUF009 - never written to
    status: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    components: Tensor | None = None

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
        components = None if batch.components is None else spread(batch.components, FAILURE)
        at = torch.tensor(places, dtype=torch.int64)
        return cls(score, quality, embeddings, keys, at, status, reason, components)

    @classmethod
    def concatenate(cls, tables: "Sequence[ScoredBatch]") -> Self:
        """Join tables, in their order; one without embeddings, since all its images failed, gets NaN for them."""
        dimension = max((0 if each.embeddings is None else each.embeddings.shape[1] for each in tables), default=0)
        embeddings = [
            torch.full((len(each), dimension), torch.nan) if each.embeddings is None else each.embeddings
            for each in tables
        ]
        components = [each.components for each in tables if each.components is not None]
        return cls(
            torch.cat([torch.empty(0, dtype=torch.float64), *(each.quality_score for each in tables)]),
            torch.cat([torch.empty(0, dtype=torch.int64), *(each.quality for each in tables)]),
            torch.cat(embeddings) if any(each.embeddings is not None for each in tables) else None,
            tuple(chain.from_iterable(each.keys for each in tables)),
            torch.cat([torch.empty(0, dtype=torch.int64), *(each.sample_index for each in tables)]),
            tuple(chain.from_iterable(each.status for each in tables)),
            tuple(chain.from_iterable(each.reason for each in tables)),
            torch.cat(components) if components and len(components) == len(tables) else None,
        )

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, position: int) -> ScoredRow:
        index, score, quality = (
            column[position].item() for column in (self.sample_index, self.quality_score, self.quality)
        )
        status = self.status[position]
        reason = escape_cell(self.reason[position])
        row = ScoredRow(int(index), self.keys[position], score if status == OK else None, int(quality), status, reason)
        return row if self.components is None else row.measured(self.components[position].tolist())

    def __iter__(self) -> Iterator[ScoredRow]:
        return map(self.__getitem__, range(len(self)))

    def __repr__(self) -> str:
        header = ["quality", "quality_score", "image", "status", "reason"]
        cells = [
            [str(row.quality), "" if row.quality_score is None else f"{row.quality_score:.4f}", row.image, *row[4:6]]
            for row in islice(self, ROWS_SHOWN)
        ]
        if self.components is not None:
            header.append("defects")
            cells = [[*line, "; ".join(row.defects)] for line, row in zip(cells, self, strict=False)]
        more = f"\n  … {len(self) - ROWS_SHOWN} more rows" if len(self) > ROWS_SHOWN else ""
        return text_table(header, cells) + more

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
        if self.components is not None:
            tensors["components"] = self.components
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
