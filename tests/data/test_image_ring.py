"""Batches from reading processes hold what those of one process hold, however long they are held."""

import copy
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.image_ring import ImageRing
from froq_lightning.datamodules.loading import FaceLoader, face_loader

SIZE = (12, 16)


@pytest.fixture
def faces(tmp_path: Path) -> FaceDataset:
    """29 crops, each of its own grey; the fifth of each batch of five is missing, and the whole third batch."""
    images = []
    for number in range(29):
        path = tmp_path / f"{number}.png"
        if number % 5 != 4 and not 10 <= number < 15:
            Image.new("RGB", SIZE[::-1], (number, number, 7)).save(path)
        images.append(ImageRef(path.name, path))
    return FaceDataset(images, Preprocessing(SIZE))


def loader(faces: FaceDataset, workers: int, batch_size: int = 5) -> FaceLoader:
    batches = face_loader(faces, batch_size, workers)
    assert isinstance(batches, FaceLoader)
    return batches


def equal(first: FaceBatch, second: FaceBatch) -> bool:
    """Whether all of what they hold is equal."""
    pairs = [(value, vars(second)[name]) for name, value in vars(first).items()]
    return all(
        torch.equal(one, other) and one.dtype == other.dtype if isinstance(one, Tensor) else one == other
        for one, other in pairs
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_that_are_held_to_the_end_keep_their_images(faces: FaceDataset, workers: int) -> None:
    held = list(loader(faces, workers))
    alone = list(loader(faces, 0))
    assert len(held) == len(alone) == 6
    assert all(map(equal, held, alone))
    assert held[0].images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert not any(batch.images.is_shared() for batch in held if len(batch.images))  # none lies in a slot


def test_passes_that_end_early_or_overlap_do_not_disturb_each_other(faces: FaceDataset) -> None:
    batches, alone = loader(faces, 1), list(loader(faces, 0))
    for _ in range(2):
        assert equal(next(iter(batches)), alone[0])
    first, second = iter(batches), iter(batches)
    for batch in alone:
        assert equal(next(first), batch)
        assert equal(next(second), batch)


def test_a_batch_without_a_slot_travels_by_itself(faces: FaceDataset) -> None:
    ring = ImageRing((5, 3, *SIZE)).allocated(1)
    assert ring.full is not None
    ring.full.fill_(True)  # as if nobody had copied what is there

    batches = torch.utils.data.DataLoader(faces, batch_size=5, num_workers=1, collate_fn=ring)
    assert all(map(equal, [ring.copied(batch) for batch in batches], loader(faces, 0)))
    assert ring.full.all()


@pytest.mark.parametrize("shape", [(4, 3, *SIZE), (5, 3, 9, 9)])
def test_images_that_do_not_fit_into_a_slot_travel_by_themselves(
    faces: FaceDataset, shape: tuple[int, int, int, int]
) -> None:
    ring = ImageRing(shape).allocated(2)
    batches = torch.utils.data.DataLoader(faces, batch_size=5, num_workers=2, collate_fn=ring)
    assert all(map(equal, map(ring.copied, batches), loader(faces, 0)))


def test_a_batch_survives_being_copied(faces: FaceDataset) -> None:
    for batch in loader(faces, 0):
        assert equal(copy.deepcopy(batch), batch)


def test_slots_are_no_larger_than_the_data_set(faces: FaceDataset) -> None:
    ring = loader(faces, 2, batch_size=10**6).collate_fn
    assert isinstance(ring, ImageRing)
    assert ring.shape == (29, 3, *SIZE)
