"""DataLoaders of faces, shared among processes."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence, Sized
from functools import partial
from typing import Any, Literal

import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, DistributedSampler

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Aligner, Preprocessing
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_ring import ImageRing
from froq_lightning.errors import ConfigurationError
from froq_lightning.terminal import Line, show

BatchSize = int | Literal["auto"]
# The number of a loader, how many samples a batch of it held, and how many it could hold.
Step = tuple[int, int, int]


def require_loading(batch_size: BatchSize, workers: int | None) -> int:
    """Return the number of worker processes: by default one less than there are cores, 8 at most.

    Raises:
        ConfigurationError: if `batch_size` or `workers` is out of its range.
    """
    if batch_size != "auto" and batch_size < 1:
        raise ConfigurationError(f"Expected `batch_size` to be at least 1, but got {batch_size}")
    if workers is not None and workers < 0:
        raise ConfigurationError(f"Expected `workers` to be at least 0, but got {workers}")
    return min(8, (os.cpu_count() or 1) - 1) if workers is None else workers


class ShareSampler(DistributedSampler[int | None]):
    """Gives a process every `world_size`-th position of a data set, in order; none comes twice, or is left out.

    The Trainer leaves it in place. An epoch without a single step it skips, while the other processes would wait for
    this one at its end. So a process without any positions gets None, once: `FaceDataset` makes an empty batch of it.

    Args:
        faces: the data set.
        world_size: number of processes.
        rank: of this process, from 0.
        done: how many of this process's positions are passed over, since they are done already.
        positions: that all processes share; by default those of the whole data set.

    Attributes:
        count: how many positions there are for all processes.
        share: the positions of this process that are left.
    """

    def __init__(
        self, faces: Sized, world_size: int = 1, rank: int = 0, done: int = 0, positions: range | None = None
    ) -> None:
        super().__init__(faces, num_replicas=world_size, rank=rank, shuffle=False)  # type: ignore[arg-type]
        everything = range(len(faces)) if positions is None else positions
        self.count, self.done = len(everything), done
        self.share = everything[rank::world_size][done:]

    def __iter__(self) -> Iterator[int | None]:
        return iter(self.share or (None,))

    def __len__(self) -> int:
        return max(1, len(self.share))


class FaceLoader(DataLoader[Any]):
    """A DataLoader whose `collate_fn` is an `ImageRing`: each pass has slots of its own, in shared memory."""

    def __iter__(self) -> Iterator[FaceBatch]:  # type: ignore[override]
        ring: ImageRing = self.collate_fn  # type: ignore[assignment]
        self.collate_fn = allocated = ring.allocated(self.num_workers)
        try:
            batches = super().__iter__()  # starts the processes
        finally:
            self.collate_fn = ring
        return map(partial(allocated.copied, pinned=self.pin_memory), batches)


def face_loader(
    faces: FaceDataset, batch_size: BatchSize, workers: int, sampler: ShareSampler | None = None
) -> DataLoader[Any]:
    """Make batches of the crops of this process, in their order.

    Args:
        faces: the crops.
        batch_size: crops and failures per batch.
        workers: processes that read images.
        sampler: of the crops of this process; by default all of them.

    Raises:
        ConfigurationError: if the batch size is still to be found.
    """
    if batch_size == "auto":
        raise ConfigurationError(
            "Expected a number as `batch_size`: `auto` needs the callback FastestBatchSize, which finds it"
        )
    most = min(batch_size, len(faces))  # slots are not to be larger than any batch
    return FaceLoader(
        faces,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=ImageRing((most, 3, *faces.preprocessing.size)),
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_leave_interrupts if workers else None,
    )


def share_of(faces: Sized, trainer: Trainer | None, done: int = 0, positions: range | None = None) -> ShareSampler:
    """Make the sampler of a trainer's process, which leaves out what is done; see `ShareSampler`."""
    if trainer is None:
        return ShareSampler(faces, done=done, positions=positions)
    return ShareSampler(faces, trainer.world_size, trainer.global_rank, done, positions)


def skipped(steps: Sequence[Step], loaders: int, batch_size: BatchSize) -> tuple[list[int], BatchSize]:
    """Return how many samples of each loader an earlier run of this process did, and the batch size to go on with.

    Args:
        steps: the batches of that run. Where the batch size is "auto", theirs is taken: batches of another size may
            round scores differently.
        loaders: how many there are.
        batch_size: of this run.
    """
    done = [0] * loaders
    for loader, samples, _ in steps:
        done[loader] += samples
    return done, steps[0][2] if steps and batch_size == "auto" else batch_size


def aligner_for(name: str | None, preprocessing: Preprocessing) -> Aligner | None:
    """Create the aligner of that name for the crops that a backbone wants; None without a name."""
    return create_aligner(name, preprocessing.alignment, preprocessing.size) if name else None


def print_passed_over(source: str, passed_over: str, trainer: Trainer | None) -> None:
    """Print, once, what else is in a folder of images."""
    if passed_over and (trainer is None or trainer.is_global_zero):
        show(Line(f"passed over in {source}: {passed_over}", "status"))


def _leave_interrupts(_: int) -> None:
    """Ignore Ctrl-C in a worker: the process that it reads for ends it.

    Errors in reading travel to that process. All that is left to print is that it takes no more batches.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = lambda *_: None
