import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.calibration.observer import Observer
from froq_lightning.callbacks import ObserverWriter
from froq_lightning.data.degradations import KINDS, Degradations
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError, ImageError
from froq_lightning.module import FroqModule
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.quality_batch import ScoredBatch

OPTIONS = {"architecture": "resnet10t", "num_classes": 16, "size": 32}
PREPROCESSING = Preprocessing(size=(32, 32))
QUICK: dict[str, Any] = {"noise": 0, "occlusion": 2}


@pytest.fixture
def module() -> FroqModule:
    """A small random network, the same in every test."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return FroqModule("timm", OPTIONS, labeller=QUICK)


@pytest.fixture
def crops(small_images: Tensor, tmp_path: Path) -> Path:
    """Fourteen crops of 32 pixels in a folder."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for number, image in enumerate(small_images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{number:02}.png")
    return folder


def trainer(*callbacks: Callback) -> Trainer:
    """A Trainer that is silent and writes nothing of its own."""
    silent: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(accelerator="cpu", enable_checkpointing=False, callbacks=list(callbacks), **silent)


def validate(module: FroqModule, folder: Path, **options: object) -> Calibration:
    trainer().validate(module, datamodule=feed(folder, **options), verbose=False)
    assert module.calibration is not None
    return module.calibration


def feed(folder: Path, **options: object) -> FaceDataModule:
    return FaceDataModule(str(folder), PREPROCESSING, workers=0, batch_size=5, **options)  # type: ignore[arg-type]


def hooks(network: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in network.modules())


def test_validate_finds_an_observer_and_predict_scores_with_it(module: FroqModule, crops: Path) -> None:
    calibration = validate(module, crops)
    assert module.observer is calibration.observer
    batches = trainer().predict(module, datamodule=feed(crops))
    scores = torch.cat([batch.quality_score for batch in batches or []])
    torch.testing.assert_close(scores, calibration.selection.scores, rtol=1e-5, atol=0)
    quality = torch.cat([batch.quality for batch in batches or []])
    assert quality.min() == 0
    assert quality.max() >= 99


def test_validate_returns_and_logs_how_good_the_scores_are(module: FroqModule, crops: Path, tmp_path: Path) -> None:
    trained = trainer()
    trained.loggers = [CSVLogger(tmp_path, name="logs", version=0)]
    (returned,) = trained.validate(module, datamodule=feed(crops), verbose=False)
    assert module.calibration is not None
    found = module.calibration.selection
    assert returned == pytest.approx(
        {"set_utility": found.set_utility.rho, "set_utility_cv": found.cross_validated.rho}
    )
    with (tmp_path / "logs" / "version_0" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        (logged,) = csv.DictReader(file)
    assert {name: float(logged[name]) for name in returned} == pytest.approx(returned)


def test_a_network_without_weights_is_warned_of_before_an_image_is_read(
    module: FroqModule, crops: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Stop(Callback):
        def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            del trainer, pl_module
            raise ConfigurationError("stopped")

    with pytest.raises(ConfigurationError, match="stopped"):
        trainer(Stop()).validate(module, datamodule=feed(crops), verbose=False)
    (warning,) = (record.message for record in caplog.records if record.name.startswith("froq_lightning"))
    assert warning.startswith("warning: no weights were given to timm (architecture=resnet10t, ")
    assert "its Observer fits no other run" in warning


def test_the_network_is_left_as_it_was(module: FroqModule, crops: Path) -> None:
    before = {name: value.clone() for name, value in module.network.state_dict().items()}
    training, hooked = [part.training for part in module.network.modules()], hooks(module.network)
    validate(module, crops)
    trainer().predict(module, datamodule=feed(crops))
    assert all(torch.equal(before[name], value) for name, value in module.network.state_dict().items())
    assert [part.training for part in module.network.modules()] == training
    assert hooks(module.network) == hooked


def test_degradations_change_calibration_and_not_scoring(module: FroqModule, crops: Path) -> None:
    degrade = Degradations(share=1.0)
    observer = validate(module, crops, degrade=degrade).observer
    assert observer.calibration_set.degradations == {"share": 1.0, "kinds": list(KINDS), "seed": 0, "copies": 0}
    plain, degraded = (
        trainer().predict(module, datamodule=feed(crops, **options)) for options in ({}, {"degrade": degrade})
    )
    for one, other in zip(plain or [], degraded or [], strict=True):
        assert torch.equal(one.quality_score, other.quality_score)


def test_an_observer_file_is_read_before_any_image(module: FroqModule, crops: Path, tmp_path: Path) -> None:
    path = tmp_path / "observer.json"
    trainer(ObserverWriter(path)).validate(module, datamodule=feed(crops), verbose=False)
    assert Observer.load(path) == module.observer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        other = FroqModule("timm", OPTIONS, observer=str(path))
    with pytest.raises(ValueError, match=r"the observer was made for .*sha256"):
        trainer().predict(other, datamodule=feed(crops))


def test_predict_without_an_observer_says_how_to_get_one(module: FroqModule, crops: Path) -> None:
    images = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    for score in (lambda: trainer().predict(module, datamodule=feed(crops)), lambda: module(images)):
        with pytest.raises(ConfigurationError, match="'timm' ships no observer; calibrate one with `froq validate`"):
            score()


def test_every_image_that_was_asked_for_has_a_row_with_its_name_status_and_reason(
    module: FroqModule, crops: Path
) -> None:
    validate(module, crops)
    (crops / "03b.png").touch()
    first, *rest = trainer().predict(module, datamodule=feed(crops)) or []
    assert isinstance(first, ScoredBatch)
    assert first.keys == ("00.png", "01.png", "02.png", "03.png", "03b.png")
    assert first.sample_index.tolist() == [0, 1, 2, 3, 4]
    assert first.status == ("ok",) * 4 + ("failed",)
    assert first.reason == ("",) * 4 + ("file is empty",)
    assert first.quality_score.isfinite().tolist() == [True] * 4 + [False]
    assert first.quality[-1] == -1
    assert sum(len(batch.keys) for batch in (first, *rest)) == 15


def test_a_call_scores_a_batch_as_predict_does(module: FroqModule, crops: Path, small_images: Tensor) -> None:
    validate(module, crops)
    batches = trainer().predict(module, datamodule=feed(crops)) or []
    scored = module(small_images)
    torch.testing.assert_close(scored.quality_score, torch.cat([batch.quality_score for batch in batches]))
    assert scored.quality.tolist() == torch.cat([batch.quality for batch in batches]).tolist()
    with pytest.raises(ImageError, match=r"Expected images of shape \[B, 3, 32, 32\]"):
        module(small_images[:, :, :16])


@pytest.mark.parametrize("wrapped", [False, True])
def test_loaders_of_tensors_calibrate_and_are_scored(wrapped: bool, module: FroqModule, small_images: Tensor) -> None:
    labels = torch.linspace(0, 1, len(small_images), dtype=torch.float64)
    labelled = DataLoader(TensorDataset(small_images, labels), batch_size=5)
    (figures,) = trainer().validate(module, labelled, verbose=False)
    assert figures.keys() == {"set_utility", "set_utility_cv"}
    assert module.calibration is not None
    torch.testing.assert_close(module.calibration.table.pseudo_quality, labels.float())
    assert module.observer is not None
    assert module.observer.calibration_set.labels == {"method": "given"}
    images: Any = TensorDataset(small_images) if wrapped else list(small_images)
    batches = trainer().predict(module, DataLoader(images, batch_size=4)) or []
    assert [key for batch in batches for key in batch.keys] == [str(number) for number in range(len(small_images))]
    scores = torch.cat([batch.quality_score for batch in batches])
    torch.testing.assert_close(scores, module.calibration.selection.scores, rtol=1e-5, atol=0)


def test_batches_of_something_else_are_refused(module: FroqModule) -> None:
    loader = DataLoader([{"image": torch.zeros(3, 32, 32)}] * 12, batch_size=4)
    with pytest.raises(ConfigurationError, match=r"Expected batches of images \[B, 3, H, W\], .*, but got dict"):
        trainer().validate(module, loader, verbose=False)


def test_faces_that_were_prepared_for_another_network_are_refused(module: FroqModule, crops: Path) -> None:
    data = FaceDataModule(str(crops), Preprocessing(size=(32, 32), alignment="dlib"), workers=0)
    with pytest.raises(ConfigurationError, match=r"give the data module `preprocessing=module\.preprocessing`"):
        trainer().validate(module, data, verbose=False)


def test_a_data_module_sets_itself_up_without_a_trainer(crops: Path) -> None:
    data = feed(crops)
    data.setup("predict")
    assert [len(batch.keys) for batch in data.predict_dataloader()] == [5, 5, 4]
