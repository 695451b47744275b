import numpy as np
import pytest
import torch

from froq_lightning.errors import ConfigurationError
from froq_lightning.reporting.contact_sheet import CAPTION, GAP, ContactSheet, Face, draw_sheet


def faces(count: int) -> list[Face]:
    """Faces of one grey level each, 20 pixels wide and 30 high."""
    return [(torch.full((3, 30, 20), 10 * number, dtype=torch.uint8), f"{number}") for number in range(count)]


def test_faces_stand_row_by_row_in_their_order() -> None:
    sheet = np.asarray(draw_sheet(faces(5), columns=3))
    assert sheet.shape == (2 * (30 + CAPTION + GAP) + GAP, 3 * (20 + GAP) + GAP, 3)
    for number in range(5):
        top, left = GAP + number // 3 * (30 + CAPTION + GAP), GAP + number % 3 * (20 + GAP)
        assert (sheet[top : top + 30, left : left + 20] == 10 * number).all()
        caption = sheet[top + 30 : top + 30 + CAPTION, left : left + 20]
        assert caption.min() < 100, "something is written below the face"
    assert (sheet[:GAP] == 255).all()


def test_few_faces_make_a_narrow_sheet() -> None:
    assert draw_sheet(faces(2), columns=8).width == 2 * (20 + GAP) + GAP


@pytest.mark.parametrize("path", ["ranked.txt", "ranked"])
def test_a_picture_of_an_unknown_format_is_refused_before_the_run(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Expected `path` to end in \.png, \.jpg, \.jpeg, but got"):
        ContactSheet(path)
