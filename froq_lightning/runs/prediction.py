"""The result of `predict`: a row for every image, read from the journals of all processes."""

import heapq
from collections.abc import Iterator
from itertools import chain, repeat
from operator import itemgetter
from typing import Protocol

import numpy as np
import numpy.typing as npt

from froq_lightning.defects.components import COMPONENTS, UNKNOWN
from froq_lightning.errors import DataError
from froq_lightning.journal.block import Block
from froq_lightning.names import escape_cell
from froq_lightning.runs.quality_batch import FAILED, OK, ScoredRow

Embeddings = npt.NDArray[np.float32]


class Steps(Protocol):
    """What keeps the steps of a run: its journal, a part that is done, or all parts; its text says which."""

    def steps(self) -> list[Iterator[Block]]:
        """Give, for every process, the blocks of its steps in their order."""


class Prediction:
    """The rows of a run over N images.

    Args:
        journal: of the run, in which all processes are done.
        count: N; without it, as many as there are.
        first: position of the first image: above 0 in a part of a run.
    """

    def __init__(self, journal: Steps, count: int | None = None, first: int = 0) -> None:
        self.journal = journal
        self.first = first
        steps = (block.facts["samples"] for shard in journal.steps() for block in shard) if count is None else ()
        self.count: int = sum(steps) if count is None else count

    def __len__(self) -> int:
        return self.count

    def rows(self) -> Iterator[ScoredRow]:
        """Yield the rows by rising index.

        Raises:
            DataError: if there is not exactly one for every image.
        """
        count = 0
        for count, row in enumerate(heapq.merge(*map(_rows, self.journal.steps()), key=itemgetter(0)), start=1):
            expected = self.first + count - 1
            if row.sample_index != expected:
                wrong = min(row.sample_index, expected)
                raise DataError(f"{self.journal} has no row, or two, for image {wrong}")
            yield row
        if count != self.count:
            raise DataError(f"{self.journal} has {count} rows for {self.count} images")

    def dimension(self) -> int:
        """Return the length of the embeddings; 0 if no image gave one."""
        blocks = (block for shard in self.journal.steps() for block in shard)
        return next((block.tensors["embeddings"].shape[1] for block in blocks if "embeddings" in block.tensors), 0)

    def components(self) -> tuple[str, ...]:
        """Return the names of the quality components in the rows; empty if they were not asked for."""
        first = next((block for shard in self.journal.steps() for block in shard), None)
        return COMPONENTS if first is not None and "components" in first.tensors else ()

    def embeddings(self, at_once: int) -> Iterator[Embeddings]:
        """Yield `[b, D]` blocks of `at_once` rows, the last one perhaps of fewer; NaN for images that failed."""
        dimension = self.dimension()
        present = heapq.merge(*map(_embeddings, self.journal.steps()), key=itemgetter(0))
        following = next(present, None)
        end = self.first + self.count
        for start in range(self.first, end, at_once):
            block = np.full((min(at_once, end - start), dimension), np.nan, "<f4")
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
            ScoredRow(index, image, score, quality, OK, escape_cell(note))
            for index, image, score, quality, note in scored
        ]
        rows += [
            ScoredRow(index, image, None, -1, FAILED, escape_cell(reason)) for index, image, reason in facts["failures"]
        ]
        if "components" in tensors:
            measured = chain(tensors["components"].tolist(), repeat(UNKNOWN))
            rows = [row.measured(values) for row, values in zip(rows, measured, strict=False)]
        yield from sorted(rows, key=itemgetter(0))


def _embeddings(blocks: Iterator[Block]) -> Iterator[tuple[int, Embeddings]]:
    for block in blocks:
        if "embeddings" in block.tensors:
            yield from zip(block.tensors["index"].tolist(), block.tensors["embeddings"].numpy(), strict=True)
