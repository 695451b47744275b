"""What a DataLoader gives: one sample per image that was read, one batch per step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate, get_worker_info

from froq_lightning.defects.components import COMPONENTS, UNKNOWN
from froq_lightning.errors import DataError


@dataclass(frozen=True)
class FaceSample:
    """An image after reading.

    Args:
        index: position in the data set.
        key: its name.
        image: the `[3, H, W]` uint8 RGB crop; None if there is none.
        note: why there is none, or a remark.
        pseudo_quality: its label; None if labels are not given.
        subject: number of the person shown; -1 if that is not known.
        copy: number of the degraded copy; see `ImageRef`.
        components: values of the quality components in the order of `COMPONENTS`, -1 where one cannot be computed; None
            if they were not asked for.
    """

    index: int
    key: str
    image: Tensor | None
    note: str = ""
    pseudo_quality: float | None = None
    subject: int = -1
    copy: int = 0
    components: tuple[int, ...] | None = None


@dataclass(frozen=True)
class FaceBatch:
    """A batch of crops, and the samples of the same step that gave none. All but the images is on the CPU.

    Args:
        images: `[B, 3, H, W]` uint8 RGB; B is smaller than the batch size where images failed.
        sample_index: `[B]` int64, position in the data set.
        keys: B names.
        notes: B remarks, mostly empty.
        pseudo_quality: `[B]` float32 labels, or None if they are not given.
        failures: the samples without a crop.
        subject: `[B]` int64 numbers of the persons shown, -1 where that is not known; None if it is of no image.
        original: `[B]` int64 sample index of the image that a degraded copy was made from, of an image its own; None if
            there are no copies.
        components: `[B, C]` int16, see `FaceSample`; None if they were not asked for.
    """

    images: Tensor
    sample_index: Tensor
    keys: list[str]
    notes: list[str]
    pseudo_quality: Tensor | None = None
    failures: tuple[FaceSample, ...] = ()
    subject: Tensor | None = None
    original: Tensor | None = None
    components: Tensor | None = None

    @classmethod
    def of_tensors(cls, images: Tensor, sample_index: Tensor, pseudo_quality: Tensor | None = None) -> Self:
        """Make a batch of `[B, 3, H, W]` crops from a DataLoader of one's own; the names are the positions."""
        index = sample_index.cpu()
        keys = [str(each) for each in index.tolist()]
        labels = None if pseudo_quality is None else pseudo_quality.float().cpu()
        return cls(images, index, keys, [""] * len(keys), labels)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the images to a device; Lightning calls this. Pinned images move while the device computes.

        Indices, labels and subjects stay on the CPU, which reads them: each would be a copy to the device and back.
        """
        moving = {"non_blocking": self.images.is_pinned(), **kwargs}
        return replace(self, images=self.images.to(*args, **moving))

    def pin_memory(self) -> Self:
        """Pin the images' memory; the DataLoader calls this where a GPU waits."""
        return replace(self, images=self.images.pin_memory())

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to another process: small tensors as arrays, which need no shared memory."""
        small = {"sample_index", "pseudo_quality", "subject", "original", "components"}
        state = dict(vars(self))
        arrays = {
            name: state[name].numpy() for name in small if state[name] is not None and state[name].device.type == "cpu"
        }
        return state | arrays

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = {name: torch.from_numpy(value) for name, value in state.items() if isinstance(value, np.ndarray)}
        vars(self).update(state | arrays)


def collate(samples: Sequence[FaceSample], slot: Tensor | None = None) -> FaceBatch:
    """Stack the crops of some samples, and keep the others as failures: `DataLoader(faces, collate_fn=collate)`.

    A worker puts the images into shared memory here, where an error is raised in the run. Left to the thread that
    sends the batch, an error would drop it, and the run would wait for it for ever.

    Args:
        samples: of the batch.
        slot: memory for as many images or more, of their shape, that is used; by default it is allocated.

    Raises:
        DataError: if the shared memory is full.
    """
    good = [(sample, sample.image) for sample in samples if sample.image is not None]
    labels = [sample.pseudo_quality for sample, _ in good]
    index = torch.tensor([sample.index for sample, _ in good], dtype=torch.int64)
    quality = torch.tensor(labels, dtype=torch.float32) if labels and None not in labels else None
    subject = torch.tensor([sample.subject for sample, _ in good], dtype=torch.int64)
    original = torch.tensor([sample.index - sample.copy for sample, _ in good], dtype=torch.int64)
    components = _components(samples)
    try:
        images = _stacked([image for _, image in good], slot)
    except RuntimeError as error:
        hint = "set --data.workers 0, or give the machine a larger /dev/shm"
        raise DataError(f"a batch does not fit into shared memory; {hint}: {error}") from error
    return FaceBatch(
        images=images,
        sample_index=index,
        keys=[sample.key for sample, _ in good],
        notes=[sample.note for sample, _ in good],
        pseudo_quality=quality,
        failures=tuple(sample for sample in samples if sample.image is None),
        subject=subject,
        original=original,
        components=components,
    )


def _stacked(images: list[Tensor], slot: Tensor | None) -> Tensor:
    if not images:
        return torch.empty((0, 3, 0, 0), dtype=torch.uint8)
    if slot is not None:
        return torch.stack(images, out=slot[: len(images)])
    stacked: Tensor = default_collate(images)  # in shared memory if it runs in a worker
    return stacked if get_worker_info() is None else stacked.share_memory_()


def _components(samples: Sequence[FaceSample]) -> Tensor | None:
    """Stack the components of the samples with a crop; None if they were asked for of no sample."""
    if all(sample.components is None for sample in samples):
        return None
    rows = [sample.components or UNKNOWN for sample in samples if sample.image is not None]
    return torch.tensor(rows, dtype=torch.int16).reshape(-1, len(COMPONENTS))
