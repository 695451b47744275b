"""facenet: the conformance suite, its fingerprint and published files."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from froq_facenet.backbone import facenet
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import backbone_factory_checks, check_backbone, check_published_input


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    return create_backbone("facenet")


def test_it_computes_what_the_published_network_computes(matches_fingerprint: Callable[..., None]) -> None:
    matches_fingerprint(facenet().network, "facenet_inception_resnet_v1")


def test_every_module_fires_and_is_a_candidate(backbone: Backbone) -> None:
    layers = check_backbone(backbone, allow_silent=False)
    assert len(layers) == 548
    fired = [layer.name for layer in layers]
    assert fired[:2] == ["conv2d_1a.conv", "conv2d_1a.bn"]
    assert fired[-2:] == ["last_linear", "last_bn"]


def test_embeddings_have_length_one(backbone: Backbone, embedded: Callable[..., Tensor]) -> None:
    torch.testing.assert_close(embedded(backbone, torch.rand(3, 3, 160, 160)).norm(dim=1), torch.ones(3))


def test_colours_enter_as_red_green_blue(backbone: Backbone) -> None:
    """facenet-pytorch standardises Pillow's RGB pixels by (x - 127.5) / 128."""
    check_published_input(backbone, lambda opencv: (opencv.flip(3).permute(0, 3, 1, 2) - 127.5) / 128)


def with_classifier(people: int, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return state | {"logits.weight": torch.zeros(people, 512), "logits.bias": torch.zeros(people)}


@pytest.mark.parametrize("check", backbone_factory_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("layout", [partial(with_classifier, 8631), dict], ids=["VGGFace2", "plain"])
def test_published_files_load_without_their_classifier_and_others_do_not(
    check: Callable[..., None], layout: Callable[..., dict[str, Tensor]]
) -> None:
    check(facenet, layout)
