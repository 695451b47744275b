"""A wrong order of channels is found by the authors' own code, and on faces of known subjects."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.conformance import check_channel_order_on_faces, check_published_input
from froq_lightning.errors import BackboneError


def as_rgb(opencv: Tensor) -> Tensor:
    """As mobilefacenet and edgeface are published: to RGB, to -1..1."""
    return (opencv.flip(3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5


def swapped(backbone: Backbone) -> Backbone:
    return replace(backbone, preprocessing=replace(backbone.preprocessing, channel_order="BGR"))


def test_the_published_code_tells_swapped_channels_and_another_scale(edgeface: Backbone) -> None:
    check_published_input(edgeface, as_rgb)
    with pytest.raises(BackboneError, match=r"published code, but red and blue are swapped \(`channel_order` is BGR\)"):
        check_published_input(swapped(edgeface), as_rgb)
    with pytest.raises(BackboneError, match="but mean, std or channels differ"):
        check_published_input(edgeface, lambda opencv: as_rgb(opencv) / 2)
    with pytest.raises(BackboneError, match=r"of shape \[2, 112, 112, 3\], but got \[2, 3, 112, 112\]"):
        check_published_input(edgeface, lambda opencv: opencv / 255)


def test_a_network_that_sees_no_colour_is_refused() -> None:
    grey = nn.Sequential(nn.AvgPool3d((3, 1, 1)), nn.Flatten(), nn.Linear(64, 4))
    backbone = Backbone.with_weights(grey, Preprocessing((8, 8)), None)
    with pytest.raises(BackboneError, match="to change with red and blue swapped, but it stays the same"):
        check_published_input(backbone, as_rgb)


@pytest.mark.parametrize("name", ["edgeface", "mobilefacenet"])
def test_faces_tell_a_wrong_declaration(name: str, crops: list[Any], request: pytest.FixtureRequest) -> None:
    backbone: Backbone = request.getfixturevalue(name)
    images = torch.stack([torch.from_numpy(crop.pixels).permute(2, 0, 1) for crop in crops])
    subjects = [crop.subject for crop in crops]
    check_channel_order_on_faces(backbone, images, subjects)
    with pytest.raises(
        BackboneError, match=r"best in BGR order, as declared, but .* d' is \d\.\d\d instead of \d\.\d\d"
    ):
        check_channel_order_on_faces(swapped(backbone), images, subjects)
