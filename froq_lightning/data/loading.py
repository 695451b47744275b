"""DataLoaders of faces."""

import os
import signal
import sys
from functools import partial
from typing import Any, Literal, cast

import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, Sampler

from froq_lightning.backbones.batch_size import fastest_batch_size
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.records import collate
from froq_lightning.errors import ConfigurationError

BatchSize = int | Literal["auto"]


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


def images_at_once(batch_size: BatchSize, trainer: Trainer | None) -> int:
    """Return the number of images per step; "auto" finds the one that the trainer's network is fastest at."""
    if batch_size != "auto":
        return batch_size
    if trainer is None:
        raise ConfigurationError("Expected a number as `batch_size`: it is found by a Trainer, and there is none")
    module = cast("Any", trainer.lightning_module)
    return fastest_batch_size(module.backbone, module.device)


def face_loader(
    faces: FaceDataset, batch_size: int, workers: int, *, labelled: bool = False, sampler: Sampler[Any] | None = None
) -> DataLoader[Any]:
    """Batches of faces in their order, or in the sampler's.

    Args:
        faces: the crops.
        batch_size: crops and failures per batch.
        workers: processes that read images.
        labelled: whether the records have labels.
        sampler: of the crops of this process.
    """
    return DataLoader(
        faces,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=partial(collate, size=faces.preprocessing.size, labelled=labelled),
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_leave_interrupts if workers else None,
    )


def _leave_interrupts(worker: int) -> None:
    """Ignore Ctrl-C in a worker: the process that it reads for ends it.

    Errors in reading travel to that process. All that is left to print is that it takes no more batches.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = lambda *_: None
