from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule


class Watched(LightningModule):
    """Has a backbone, and notes the batches that any verb feeds it."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.seen: list[FaceBatch] = []

    def test_step(self, batch: FaceBatch) -> None:
        self.seen.append(batch)

    def predict_step(self, batch: FaceBatch) -> int:
        self.seen.append(batch)
        return len(batch.keys)

    validation_step = test_step


class OneOfSeveral(Trainer):
    """The trainer of one of several processes, without the others."""

    place = (0, 1)

    @property
    def world_size(self) -> int:
        return self.place[1]

    @property
    def global_rank(self) -> int:
        return self.place[0]


Data = FaceDataModule | TrialDataModule
# How many images each verb finds in the archive of eight pairs: `test` reads one that is in several pairs once.
IMAGES = {"validate": 16, "predict": 16, "test": 12}


@pytest.fixture
def data(verb: str, bin_file: Path, small_backbone: Backbone) -> Data:
    """A few images, as what feeds a verb."""
    kind = TrialDataModule if verb == "test" else FaceDataModule
    return kind(str(bin_file), small_backbone.preprocessing, resize=True, batch_size=2, workers=0)


def fed(verb: str, data: Data, backbone: Backbone, rank: int, world: int) -> list[FaceBatch]:
    module = Watched(backbone)
    options: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = OneOfSeveral(accelerator="cpu", enable_checkpointing=False, **options)
    trainer.place = (rank, world)
    getattr(trainer, verb)(module, datamodule=data)
    return module.seen


@pytest.mark.parametrize("verb", IMAGES)
@pytest.mark.parametrize("world", [1, 5, 18])
def test_processes_share_the_images_without_repeating_any(
    verb: str, data: Data, world: int, small_backbone: Backbone
) -> None:
    seen = []
    for rank in range(world):
        batches = fed(verb, data, small_backbone, rank, world)
        assert len(batches) >= 1  # without a step the Trainer passes over the epoch, and the others wait
        positions = [position for batch in batches for position in batch.sample_index.tolist()]
        assert positions == list(range(rank, IMAGES[verb], world))
        seen += positions
    assert sorted(seen) == list(range(IMAGES[verb]))


@pytest.mark.parametrize("verb", IMAGES)
def test_a_process_without_images_is_fed_one_empty_batch(verb: str, data: Data, small_backbone: Backbone) -> None:
    (batch,) = fed(verb, data, small_backbone, IMAGES[verb], IMAGES[verb] + 1)
    assert batch.images.shape[:2] == (0, 3)
    assert (batch.sample_index.tolist(), batch.keys, batch.failures) == ([], [], ())


def test_worker_processes_read_a_share_too(bin_file: Path, small_backbone: Backbone) -> None:
    data = FaceDataModule(str(bin_file), small_backbone.preprocessing, resize=True, batch_size=2, workers=2)
    read = fed("predict", data, small_backbone, 1, 5)
    assert [position for batch in read for position in batch.sample_index.tolist()] == [1, 6, 11]
    assert [len(batch.keys) for batch in fed("predict", data, small_backbone, 16, 17)] == [0]
