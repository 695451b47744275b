"""The worst faces are shown under maps of what pulls their scores down, with the place in words."""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from froq_lightning.methods.explanation import GRID
from froq_lightning.reporting.section import PredictionContext
from froq_lightning.reporting.sections.quality_maps import SECTION, place

Predicted = tuple[PredictionContext, Path]
Parse = Callable[[str], Any]
PLACES = r"(left eye|right eye|nose|mouth|(upper|lower)?( ?(left|right))?|middle): [0-9.e-]+|no part pulls it down"


def shown(context: PredictionContext, parse: Parse) -> list[str | None]:
    parts = list(SECTION.render(context))
    return [attributes["alt"] for part in parts for tag, attributes in parse(part.content).elements if tag == "img"]


@pytest.mark.parametrize(("explained", "expected"), [(0, 0), (1, 1), (3, 3), (200, 4)])
def test_as_many_of_the_worst_as_are_wanted_and_there_the_very_worst_first(
    predicted: Predicted, parse: Parse, explained: int, expected: int
) -> None:
    context = replace(predicted[0], explained=explained)
    assert shown(context, parse) == [row.image for row in context.worst_rows[:expected]]


def test_a_run_without_images_at_hand_or_without_faces_on_its_page_has_no_maps(predicted: Predicted) -> None:
    assert not list(SECTION.render(replace(predicted[0], faces=None)))
    assert not list(SECTION.render(replace(predicted[0], ends=0)))


def test_each_picture_is_the_crop_under_a_map_and_the_place_is_in_words(predicted: Predicted) -> None:
    context = predicted[0]
    (part,) = SECTION.render(context)
    notes = re.findall(r"<small title=\"([^\"]*)\"", part.content)
    assert len(notes) == 2
    assert all(re.fullmatch(PLACES, note) for note in notes)
    assert context.read is not None
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", part.content)
    for row, picture in zip(context.worst_rows, pictures, strict=False):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))), dtype=float)
        crop = context.read(row.sample_index).image
        assert crop is not None
        added = pixels - crop.permute(1, 2, 0).numpy()
        assert np.abs(added).mean() > 1
        assert (added[..., 0] - added[..., 2]).mean() > 0.5  # orange has more red than blue


@pytest.mark.parametrize(
    ("down", "across", "alignment", "words"),
    [
        (6, 4, "arcface", "left eye"),
        (6, 9, "arcface", "right eye"),
        (8, 7, "arcface", "nose"),
        (11, 8, "arcface", "mouth"),
        (0, 0, "arcface", "upper left"),
        (13, 13, "arcface", "lower right"),
        (6, 13, "arcface", "right"),
        (0, 6, "arcface", "upper"),
        (6, 4, "another", "left"),
        (6, 6, "another", "middle"),
    ],
)
def test_a_place_is_called_by_its_landmark_or_by_where_in_the_picture_it_is(
    down: int, across: int, alignment: str, words: str
) -> None:
    cells = torch.zeros(GRID, GRID)
    cells[down, across] = 0.1
    assert place(cells, alignment) == words
