"""MobileFaceNet: the conformance suite, its fingerprint, published files and real weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from froq_mobilefacenet.backbone import mobilefacenet
from froq_mobilefacenet.network import MobileFaceNet
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import (
    check_backbone,
    check_backbone_factory,
    check_channel_order_on_faces,
    check_published_input,
)


@pytest.fixture(scope="module")
def real(shared: Path) -> Backbone:
    """The backbone with real weights."""
    return create_backbone("mobilefacenet", weights=str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt"))


def test_it_computes_what_the_published_network_computes(matches_fingerprint: Callable[..., None]) -> None:
    matches_fingerprint(MobileFaceNet(), "xiaoccer_mobilefacenet")


def test_a_crop_of_112_columns_is_embedded_by_its_middle_96() -> None:
    network = MobileFaceNet().eval()
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(images), network(images[..., 8:104]))


def test_every_layer_fires_and_the_last_repeats_its_normalisation(real: Backbone) -> None:
    layers = check_backbone(real, allow_silent=False)
    assert len(layers) == 169
    assert [layer.name for layer in layers][-3:] == ["linear1.conv", "linear1.bn", "linear1"]
    assert {layer.name: layer.repeats for layer in layers}["linear7"] == "linear7.bn"


def test_colours_enter_as_red_green_blue(real: Backbone, pairs: tuple[Tensor, list[str]]) -> None:
    """The authors' `dataloader.py` takes (x - 127.5) / 128 of RGB images."""
    check_published_input(real, lambda opencv: (opencv.flip(3).permute(0, 3, 1, 2) - 127.5) / 128)
    check_channel_order_on_faces(real, *pairs)


@pytest.mark.slow
def test_with_real_weights_it_tells_people_apart(real: Backbone, true_accept_rate: Callable[..., float]) -> None:
    assert true_accept_rate(real) >= 0.94


def published(state: dict[str, Tensor]) -> dict[str, Any]:
    return {"iter": 68, "net_state_dict": state}


@pytest.mark.parametrize("layout", [published, dict])
def test_published_files_load_and_others_do_not(layout: Callable[..., dict[str, Any]]) -> None:
    check_backbone_factory(mobilefacenet, layout)
