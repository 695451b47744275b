from pathlib import Path

import pytest
from lightning.pytorch import Callback, Trainer

from froq_lightning.callbacks import QualityWriter, RankedTable
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
