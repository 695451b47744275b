"""What `predict` found: a row for every image that was asked for, read from the journals of all processes."""

import heapq
from collections.abc import Iterator
from itertools import compress
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from froq_lightning.data.records import FaceBatch
from froq_lightning.errors import DataError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import Journal
from froq_lightning.names import escape_cell
from froq_lightning.runs.quality_batch import NOT_FINITE, QualityBatch

Embeddings = npt.NDArray[np.float32]


class ScoredRow(NamedTuple):
    """An image and its quality.

    Args:
        sample_index: its position in the data set.
        image: its name.
        quality_score: raw, higher is better; None if the image failed.
        quality: 0..100, the percentage of the calibration set that scored lower; -1 if the image failed.
        status: ok or failed.
        reason: why it failed, or a remark.
    """

    sample_index: int
    image: str
    quality_score: float | None
    quality: int
    status: str
    reason: str


def scored_block(batch: FaceBatch, scores: QualityBatch) -> Block:
    """Lay the scores of a batch out for the journal; images whose score is NaN or infinite are failures."""
    index, finite = batch.sample_index.cpu(), scores.quality_score.isfinite()
    failures = [(sample.index, sample.key, sample.note) for sample in batch.failures]
    failures += [(int(index[row]), batch.keys[row], NOT_FINITE) for row in (~finite).nonzero()[:, 0].tolist()]
    facts = {
        "samples": len(batch.keys) + len(batch.failures),
        "images": list(compress(batch.keys, finite.tolist())),
        "notes": list(compress(batch.notes, finite.tolist())),
        "failures": failures,
    }
    tensors = {"index": index, "quality_score": scores.quality_score, "quality": scores.quality}
    if scores.embeddings is not None:
        tensors["embeddings"] = scores.embeddings
    return Block(facts, {name: tensor[finite] for name, tensor in tensors.items()})


class Prediction:
    """The rows of a run over N images.

    Args:
        journal: of the run, in which all processes are done.
        asked: N; without it, as many as there are.
    """

    def __init__(self, journal: Journal, asked: int | None = None) -> None:
        self.journal = journal
        steps = (block.facts["samples"] for shard in journal.steps() for block in shard) if asked is None else ()
        self.asked: int = sum(steps) if asked is None else asked

    def __len__(self) -> int:
        return self.asked

    def rows(self) -> Iterator[ScoredRow]:
        """Yield the rows by rising index.

        Raises:
            DataError: if there is not exactly one for every image.
        """
        count = 0
        for count, row in enumerate(heapq.merge(*map(_rows, self.journal.steps()), key=itemgetter(0)), start=1):
            if row.sample_index != count - 1:
                wrong = min(row.sample_index, count - 1)
                raise DataError(f"{self.journal.folder} has no row, or two, for image {wrong}")
            yield row
        if count != self.asked:
            raise DataError(f"{self.journal.folder} has {count} rows for {self.asked} images")

    def dimension(self) -> int:
        """Return the length of the embeddings; 0 if no image gave one."""
        blocks = (block for shard in self.journal.steps() for block in shard)
        return next((block.tensors["embeddings"].shape[1] for block in blocks if "embeddings" in block.tensors), 0)

    def embeddings(self, at_once: int) -> Iterator[Embeddings]:
        """Yield `[b, D]` blocks of `at_once` rows, the last one perhaps of fewer; NaN for images that failed."""
        dimension = self.dimension()
        present = heapq.merge(*map(_embeddings, self.journal.steps()), key=itemgetter(0))
        following = next(present, None)
        for start in range(0, self.asked, at_once):
            block = np.full((min(at_once, self.asked - start), dimension), np.nan, "<f4")
            while following is not None and following[0] < start + len(block):
                block[following[0] - start] = following[1]
                following = next(present, None)
            yield block


def _rows(blocks: Iterator[Block]) -> Iterator[ScoredRow]:
    for block in blocks:
        facts, tensors = block.facts, block.tensors
        columns = tensors["index"].tolist(), facts["images"], tensors["quality_score"].tolist()
        scored = zip(*columns, tensors["quality"].tolist(), facts["notes"], strict=True)
        rows = [
            ScoredRow(index, image, score, quality, "ok", escape_cell(note))
            for index, image, score, quality, note in scored
        ]
        rows += [
            ScoredRow(index, image, None, -1, "failed", escape_cell(reason))
            for index, image, reason in facts["failures"]
        ]
        yield from sorted(rows, key=itemgetter(0))


def _embeddings(blocks: Iterator[Block]) -> Iterator[tuple[int, Embeddings]]:
    for block in blocks:
        if "embeddings" in block.tensors:
            yield from zip(block.tensors["index"].tolist(), block.tensors["embeddings"].numpy(), strict=True)
