from pathlib import Path

import pytest
from lightning.pytorch import Callback, Trainer

from froq_lightning.backbones.spec import Backbone
from froq_lightning.callbacks import PartWriter, QualityWriter, RankedTable
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.reporting import ContactSheet


def test_embeddings_are_asked_of_the_module(module: FroqModule, trainer: Trainer, tmp_path: Path) -> None:
    writer = QualityWriter(tmp_path / "scores.csv", tmp_path / "embeddings.npy")
    with pytest.raises(ConfigurationError, match=r"Expected FroqModule\(embeddings=True\)"):
        writer.setup(trainer, module, "predict")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("callback", [RankedTable("scores.csv"), ContactSheet("ranked.png")])
def test_what_shows_scores_needs_a_writer_before_it(callback: Callback, module: FroqModule, trainer: Trainer) -> None:
    message = f"{type(callback).__name__} works behind a QualityWriter among the Trainer's callbacks"
    with pytest.raises(ConfigurationError, match=message):
        callback.on_predict_end(trainer, module)


@pytest.mark.parametrize(
    ("written", "fed", "message"),
    [
        (None, "1/2", "QualityWriter writes all images, but the data module feeds part 1/2"),
        ("2/2", "1/2", "PartWriter writes part 2/2, but the data module feeds part 1/2"),
        ("2/2", None, "PartWriter writes part 2/2, but the data module feeds all images"),
    ],
)
def test_writer_and_data_module_are_for_the_same_part(
    written: str | None, fed: str | None, message: str, small_backbone: Backbone, tmp_path: Path
) -> None:
    output = tmp_path / "scores.csv"
    writer = QualityWriter(output) if written is None else PartWriter(output, written)
    data = FaceDataModule("crops", small_backbone.preprocessing, part=fed)
    with pytest.raises(ConfigurationError, match=message):
        writer.require_data(data)
