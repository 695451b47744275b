"""The result of one calibration pass, as it goes into the table and into the journal."""

from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from froq_lightning.data.face_batch import FaceSample
from froq_lightning.journal.block import Block


@dataclass(frozen=True)
class ObservedBatch:
    """Layer norms and labels of B images, and what else was learnt in the pass. The tensors are on the CPU.

    Args:
        failures: samples of the same step that gave no crop.
        sample_index: `[B]` int64, position in the data set.
        norms: `[B, L]` float32 layer norms.
        pseudo_quality: `[B]` float32 labels; NaN where the images of the whole set are to be labelled together.
        origins: `[2, B]` int64: subjects, -1 where unknown, and sample indices of the images that degraded copies were
            made from.
        embeddings: `[B, R]`, with what else the labels need, if they are made of the whole set; see `SetLabeller.keep`.
        labels_given: whether the images came with labels.
        order: columns of the layers in execution order.
        unobserved: columns that cannot be observed, and why.
        times: if the pass was timed, the share of it after which each layer had fired.
    """

    failures: tuple[FaceSample, ...]
    sample_index: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    norms: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    pseudo_quality: Tensor = field(default_factory=lambda: torch.empty(0))
    origins: Tensor = field(default_factory=lambda: torch.empty(2, 0, dtype=torch.int64))
    embeddings: Tensor | None = None
    labels_given: bool = False
    order: tuple[int, ...] = ()
    unobserved: dict[int, str] = field(default_factory=dict)
    times: list[list[float]] = field(default_factory=list)

    def block(self) -> Block:
        """Convert to a block of the journal."""
        facts = {
            "samples": len(self.sample_index) + len(self.failures),
            "failures": [(sample.index, sample.key, sample.note) for sample in self.failures],
            "labels_given": self.labels_given,
            "order": self.order,
            "unobserved": list(self.unobserved.items()),
            "times": self.times,
        }
        tensors = {
            "index": self.sample_index,
            "norms": self.norms,
            "pseudo_quality": self.pseudo_quality,
            "origins": self.origins,
        }
        if self.embeddings is not None:
            tensors["embeddings"] = self.embeddings
        return Block(facts, tensors)

    @classmethod
    def from_block(cls, block: Block) -> Self:
        """Convert from a block of the journal."""
        facts, tensors = block.facts, block.tensors
        return cls(
            tuple(FaceSample(index, key, None, note) for index, key, note in facts["failures"]),
            tensors["index"],
            tensors["norms"],
            tensors["pseudo_quality"],
            tensors["origins"],
            tensors.get("embeddings"),
            labels_given=facts["labels_given"],
            order=tuple(facts["order"]),
            unobserved=dict(facts["unobserved"]),
            times=facts["times"],
        )
