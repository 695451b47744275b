"""Which faces stand on a page, and how."""

import base64
import io
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from PIL import Image

from froq_lightning.data.face_batch import FaceSample
from froq_lightning.module import FroqModule
from froq_lightning.reporting.sections.faces import face_rows
from froq_lightning.runs.calibration_run import Calibration

WORST = '"><img src=x onerror="window.owned = \'face\'">.jpg'
SHOWN = 3
Run = tuple[Trainer, FroqModule, Path]
Page = Any
Render = Callable[..., Page]


def grey(index: int) -> FaceSample:
    """A face of one grey level; number 3 cannot be read."""
    image = None if index == 3 else torch.full((3, 120, 100), 20 * index, dtype=torch.uint8)
    return FaceSample(index, f"{index}.jpg", image)


@pytest.mark.parametrize(
    ("quality", "worst", "best"),
    [
        ([5.0, 1.0, 4.0, 9.0, 2.0, 6.0], ["1.jpg", "4.jpg"], ["5.jpg"]),
        ([5.0, 1.0, 4.0, 9.0, math.nan, 6.0], ["1.jpg", "2.jpg"], ["5.jpg"]),
        ([2.0, 1.0, 3.0], ["1.jpg"], ["2.jpg"]),
        ([1.0, 1.0, 1.0, 2.0, 1.0, 1.0], ["0.jpg", "1.jpg"], ["5.jpg"]),
        ([math.nan, 1.0], [], []),
    ],
)
def test_the_ends_are_shown_without_those_that_cannot_be(
    quality: list[float], worst: list[str], best: list[str]
) -> None:
    row = face_rows(grey, {"method": np.array(quality)}, 2)["method"]
    assert [one.key for one in row.worst] == worst
    assert [one.key for one in row.best] == best
    assert [one.quality for one in row.best] == [quality[int(one.key[0])] for one in row.best]


def test_pictures_are_small_and_show_the_pixels() -> None:
    (portrait,) = face_rows(grey, {"method": np.array([1.0, 2.0])}, 1)["method"].best
    kind, encoded = portrait.source.split(",")
    assert kind == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert picture.size == (80, 96)
    assert np.abs(np.asarray(picture).astype(int) - 20).max() <= 2


def expected_faces(validated: Run) -> Iterator[str]:
    calibration = validated[1].calibration
    assert calibration is not None
    scores, labels = calibration.selection.scores, calibration.table.pseudo_quality
    ranks = [np.argsort(np.argsort(values.numpy(), kind="stable"), kind="stable") for values in (scores, labels)]
    keys = [record.key for record in validated[0].datamodule.faces.images]  # type: ignore[attr-defined]
    for values in (scores.numpy(), labels.numpy(), ranks[0] - ranks[1]):
        order = np.argsort(values, kind="stable")
        yield from (keys[int(calibration.table.sample_index[at])] for at in (*order[:SHOWN], *order[-SHOWN:]))


def test_the_faces_are_those_at_the_ends_of_scores_and_labels(validated: Run, calibration_page: Page) -> None:
    shown = [attributes["alt"] for tag, attributes in calibration_page.elements if tag == "img"]
    assert shown == [*expected_faces(validated)]
    assert WORST in shown


def test_faces_are_shown_as_they_were_degraded(validated: Run, render: Render, calibration: Calibration) -> None:
    faces = validated[0].datamodule.faces  # type: ignore[attr-defined]
    places = {record.key: place for place, record in enumerate(faces.records)}
    degraded = []
    for tag, attributes in render(calibration, faces=20).elements:
        sample = faces[places[attributes["alt"]]] if tag == "img" else None
        if sample is not None and re.search("blur|downscale", sample.note):
            picture = Image.open(io.BytesIO(base64.b64decode(attributes["src"].split(",")[1])))
            seen = Image.fromarray(sample.image.permute(1, 2, 0).numpy())
            original = Image.open(faces.records[sample.index].path).convert("RGB")
            for one in (seen, original):
                one.thumbnail(picture.size)
            distances = [np.abs(np.asarray(one, float) - np.asarray(picture)).mean() for one in (seen, original)]
            degraded.append(distances)
    assert len(degraded) > 5
    assert np.mean(degraded, axis=0)[0] < 0.5 * np.mean(degraded, axis=0)[1]


def test_without_a_data_module_there_are_no_faces(render: Render, calibration: Calibration) -> None:
    page = render(calibration, Trainer(accelerator="cpu", logger=False, enable_checkpointing=False), faces=SHOWN)
    assert page.count("img") == 0
    assert "#faces" not in [attributes.get("href") for _, attributes in page.elements]
