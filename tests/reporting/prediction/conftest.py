"""`predict` run once on real faces, in folders and files whose names try to break out of the page."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.calibration.observer import Observer
from froq_lightning.callbacks import QualityWriter
from froq_lightning.conformance.formats import KnownResults
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.reporting import PredictionReport
from froq_lightning.reporting.section import PredictionContext
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

NAMES = (
    "</script><script>window.owned='script'</script>.jpg",
    '"><img src=x onerror="window.owned=\'attribute\'">.jpg',
    "<!--<script>.jpg",
    "two\nlines\u2028.jpg",
    "\u202egpj.jpg",
    "{{ 7 * 7 }}.jpg",
    os.fsdecode(b"caf\xe9.jpg"),
)
SUBJECT = os.fsdecode(b"<b>caf\xe9 \x1b")
BROKEN = "<img src=x onerror=\"window.owned='broken'\">.jpg"
Predicted = tuple[PredictionContext, Path]


class Rows(Callback):
    """Keeps the rows of a run, which are read from its journal while that lasts."""

    def __init__(self, writer: QualityWriter) -> None:
        self.writer = writer
        self.rows: list[ScoredRow] = []

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        del trainer, pl_module
        assert self.writer.prediction is not None
        self.rows = list(self.writer.prediction.rows())


def known(rows: list[ScoredRow]) -> Prediction:
    """A prediction of given rows."""
    return cast("Prediction", KnownResults(rows, np.empty((len(rows), 0), np.float32)))


@pytest.fixture(scope="session")
def with_rows() -> Callable[[list[ScoredRow]], Prediction]:
    """Makes a prediction of given rows."""
    return known


@pytest.fixture(scope="session")
def photos(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five subjects with twenty crops, some under hostile names, one crop of another size, and broken files."""
    folder = tmp_path_factory.mktemp("photos")
    people = [each for each in sorted((shared / "data" / "faces").iterdir()) if len(list(each.iterdir())) >= 4][:5]
    crops = [image for each in people for image in sorted(each.iterdir())[:4]]
    for place, image in enumerate(crops):
        subject = SUBJECT if image.parent == people[0] else image.parent.name
        link = folder / subject / (NAMES[place] if place < len(NAMES) else image.name)
        link.parent.mkdir(parents=True, exist_ok=True)  # "</script>" leads through a folder
        link.symlink_to(image)
    (folder / BROKEN).touch()
    (folder / "large.jpg").symlink_to(next((shared / "data" / "photos").glob("*/*.jpg")))
    return folder


@pytest.fixture(scope="session")
def predicted(validated: Any, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    """What `predict` found by a real Observer, and the page that it wrote."""
    folder, module = tmp_path_factory.mktemp("predicted"), validated[1]
    assert isinstance(module.observer, Observer)
    data = FaceDataModule(str(photos), module.preprocessing, batch_size=8, workers=0, reasons=True)
    writer = QualityWriter(folder / "scores.csv")
    rows, report = Rows(writer), PredictionReport(folder / "scores.html", faces=4, explained=2)
    options: dict[str, Any] = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    trainer = Trainer(
        callbacks=[writer, rows, report], enable_progress_bar=False, enable_model_summary=False, **options
    )
    trainer.predict(module, data)
    return PredictionContext(known(rows.rows), module, data.faces, 4, 4, explained=2), report.path


@pytest.fixture(scope="session")
def page(predicted: Predicted, parse: Callable[[str], Any]) -> Any:
    """The page that `predict` wrote, parsed."""
    return parse(predicted[1].read_text(encoding="utf-8"))
