"""Shared memory in which the processes that read images hand over the crops of their batches, used again and again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from froq_lightning.data.face_batch import FaceBatch, FaceSample, collate

# Of each process. A DataLoader asks it for two batches ahead, while a third is copied.
SLOTS = 3


@dataclass(frozen=True)
class StoredBatch:
    """A batch whose images lie in a slot."""

    batch: FaceBatch
    slot: int
    images: int


@dataclass(frozen=True, eq=False)
class ImageRing:
    """The `collate_fn` of a DataLoader whose processes have slots for the images of their batches.

    Memory of its own for each batch would be made, sent and mapped anew, which costs more than to copy the images once
    more. A process writes into a slot only after what was there has been copied; without a free slot, or without
    memory for any, its batch travels as `collate` makes it. So nobody waits for a slot, and none is overwritten.

    Args:
        shape: of the images of a full batch, `[B, 3, H, W]`.
        slots: `[S, B, 3, H, W]` uint8, shared, with so many slots for each process; None if there are none.
        full: `[S]` bool, shared: which slots hold images that are still to be copied.
    """

    shape: tuple[int, int, int, int]
    slots: Tensor | None = None
    full: Tensor | None = None

    def allocated(self, workers: int) -> Self:
        """Allocate the slots of so many processes; none if the shared memory is too small for them."""
        if not workers:
            return self
        try:
            slots = torch.empty((workers * SLOTS, *self.shape), dtype=torch.uint8).share_memory_()
            full = torch.zeros(workers * SLOTS, dtype=torch.bool).share_memory_()
        except RuntimeError:
            return self
        return replace(self, slots=slots, full=full)

    def __call__(self, samples: Sequence[FaceSample]) -> FaceBatch | StoredBatch:
        """Make a batch, in a slot if this runs in a process with one that is free.

        Raises:
            DataError: if the shared memory is full.
        """
        slot = self._free_slot(samples)
        if self.slots is None or self.full is None or slot is None:
            return collate(samples)
        batch = collate(samples, self.slots[slot])
        self.full[slot] = True
        return StoredBatch(replace(batch, images=batch.images.new_empty(0)), slot, len(batch.images))

    def copied(self, batch: FaceBatch | StoredBatch, *, pinned: bool = False) -> FaceBatch:
        """Return a batch with images in memory of its own, and give its slot free.

        Args:
            batch: that a process made.
            pinned: whether the memory is pinned.
        """
        if self.slots is None or self.full is None or isinstance(batch, FaceBatch):
            return batch  # type: ignore[return-value]  # a StoredBatch needs slots
        stored = self.slots[batch.slot, : batch.images]
        images = torch.empty(stored.shape, dtype=stored.dtype, pin_memory=pinned).copy_(stored)
        self.full[batch.slot] = False
        return replace(batch.batch, images=images)

    def _free_slot(self, samples: Sequence[FaceSample]) -> int | None:
        worker = get_worker_info()
        fits = len(samples) <= self.shape[0] and any(sample.image is not None for sample in samples)
        fits &= all(sample.image is None or sample.image.shape == self.shape[1:] for sample in samples)
        if worker is None or self.full is None or not fits:
            return None
        first = worker.id * SLOTS
        return next((slot for slot in range(first, first + SLOTS) if not self.full[slot]), None)
