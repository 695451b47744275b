import base64
import io
import math

import numpy as np
import pytest
import torch
from froq_lightning.reporting.face_row import face_row
from PIL import Image

from froq_lightning.data.face_batch import FaceSample


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
    row = face_row(grey, np.array(quality), 2)
    assert [one.key for one in row.worst] == worst
    assert [one.key for one in row.best] == best
    assert [one.quality for one in row.best] == [quality[int(one.key[0])] for one in row.best]


def test_pictures_are_small_and_show_the_pixels() -> None:
    (portrait,) = face_row(grey, np.array([1.0, 2.0]), 1).best
    kind, encoded = portrait.source.split(",")
    assert kind == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert picture.size == (80, 96)
    assert np.abs(np.asarray(picture).astype(int) - 20).max() <= 2
