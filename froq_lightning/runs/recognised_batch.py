"""The result of one step of `test`, as it goes into the evaluation and into the journal."""

from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from froq_lightning.journal.block import Block


@dataclass(frozen=True)
class RecognisedPart:
    """What one network gave B images. The tensors are on the CPU.

    Args:
        sample_index: `[B]` int64, positions in the data set.
        embeddings: `[B, D]` float32, finite.
        qualities: `[B, M]` float64 by method, higher is better; NaN where there is none.
        not_finite: positions of further images, whose embeddings are not finite.
        milliseconds: what methods took; see `BatchScores`.
        refusals: of methods; see `BatchScores`.
    """

    sample_index: Tensor
    embeddings: Tensor
    qualities: Tensor
    not_finite: list[int] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, dimension: int, methods: int) -> Self:
        """Of no images."""
        qualities = torch.empty(0, methods, dtype=torch.float64)
        return cls(torch.empty(0, dtype=torch.int64), torch.empty(0, dimension), qualities)


@dataclass(frozen=True)
class RecognisedBatch:
    """What the networks gave the images of a step.

    Args:
        data_set: its number.
        samples: number of images in the step, failures included.
        failures: positions of images without a crop, with reasons.
        parts: of every network.
    """

    data_set: int
    samples: int
    failures: dict[int, str]
    parts: tuple[RecognisedPart, ...]

    def block(self) -> Block:
        """Convert to a block of the journal."""
        facts = {
            "samples": self.samples,
            "loader": self.data_set,
            "failures": list(self.failures.items()),
            "parts": [[part.not_finite, part.milliseconds, part.refusals] for part in self.parts],
        }
        tensors = {
            f"{number}.{name}": getattr(part, name)
            for number, part in enumerate(self.parts)
            for name in ("sample_index", "embeddings", "qualities")
        }
        return Block(facts, tensors)

    @classmethod
    def from_block(cls, block: Block) -> Self:
        """Convert from a block of the journal."""
        facts, tensors = block.facts, block.tensors
        parts = [
            RecognisedPart(
                tensors[f"{number}.sample_index"],
                tensors[f"{number}.embeddings"],
                tensors[f"{number}.qualities"],
                *rest,
            )
            for number, rest in enumerate(facts["parts"])
        ]
        return cls(facts["loader"], facts["samples"], dict(facts["failures"]), tuple(parts))
