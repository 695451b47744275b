"""How images are brought to a network, and what a Backbone makes of one."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo, first_tensor, resolve_layers
from froq_lightning.errors import BackboneError, ImageError, UnknownNameError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
INFO = WeightsInfo("none", "0")


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (4, 3, 20, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Flatten(), nn.Dropout())


def test_bytes_and_floats_of_the_same_images_give_the_same_input(images: Tensor) -> None:
    preprocessing = Preprocessing((20, 24), mean=MEAN, std=STD)
    torch.testing.assert_close(preprocessing(images), preprocessing(images.float() / 255))


def test_every_channel_gets_its_own_mean_and_std(images: Tensor) -> None:
    inputs = Preprocessing((20, 24), mean=MEAN, std=STD)(images)
    for channel in range(3):
        torch.testing.assert_close(inputs[:, channel], (images[:, channel] / 255 - MEAN[channel]) / STD[channel])


def test_bgr_is_rgb_with_the_channels_turned_once(images: Tensor) -> None:
    rgb = Preprocessing((20, 24), "RGB", MEAN, STD)
    bgr = dataclasses.replace(rgb, channel_order="BGR")
    assert torch.equal(bgr(images), rgb(images)[:, [2, 1, 0]])


def test_images_are_not_changed(images: Tensor) -> None:
    floats = images.float() / 255
    before = floats.clone()
    Preprocessing((20, 24))(floats)
    assert torch.equal(floats, before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_floating_point_images_keep_their_type(dtype: torch.dtype) -> None:
    assert Preprocessing((8, 8))(torch.rand(2, 3, 8, 8).to(dtype)).dtype == dtype


def test_black_is_the_input_of_a_black_pixel(images: Tensor) -> None:
    preprocessing = Preprocessing((20, 24), "BGR", MEAN, STD)
    assert torch.equal(preprocessing.black().expand(3, 20, 24), preprocessing(torch.zeros_like(images))[0])


@pytest.mark.parametrize("shape", [(3, 20, 24), (2, 3, 24, 20), (2, 1, 20, 24), (2, 4, 20, 24), (2, 20, 24, 3)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match=r"Expected images of shape \[B, 3, 20, 24\], but got \["):
        Preprocessing((20, 24))(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"channel_order": "GBR"}, "`channel_order` to be RGB or BGR, but got 'GBR'"),
        ({"mean": (0.5, 0.5)}, "three means and three positive stds"),
        ({"std": (0.5, 0.0, 0.5)}, "three means and three positive stds"),
        ({"size": (112,)}, r"`size` to be \(height, width\) in pixels"),
        ({"size": (0, 112)}, r"`size` to be \(height, width\) in pixels"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BackboneError, match=told):
        Preprocessing(**options)


def test_a_backbone_freezes_its_network(network: nn.Module) -> None:
    network.train()
    backbone = Backbone(network, Preprocessing(), INFO)
    assert not any(module.training for module in backbone.network.modules())
    assert not any(parameter.requires_grad for parameter in backbone.network.parameters())


def test_every_module_but_the_root_is_a_candidate(network: nn.Module) -> None:
    assert Backbone(network, Preprocessing(), INFO).candidate_layers == ("0", "0.0", "0.1", "1", "2")


@pytest.mark.parametrize(
    ("patterns", "layers"),
    [
        (("2", "0"), ("0", "2")),
        (("0.*",), ("0.0", "0.1")),
        (("0*", "0.1"), ("0", "0.0", "0.1")),
        (("?",), ("0", "1", "2")),
    ],
)
def test_names_and_globs_resolve_in_the_order_of_modules(
    patterns: tuple[str, ...], layers: tuple[str, ...], network: nn.Module
) -> None:
    assert resolve_layers(network, patterns) == layers


def test_a_layer_that_does_not_exist_is_told_the_nearest(small_backbone: Backbone) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown layer 'stm\.0'; nearest: stem\.0"):
        resolve_layers(small_backbone.network, ("head", "stm.0"))


def test_a_glob_that_matches_nothing_is_refused(small_backbone: Backbone) -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'blocks"):
        resolve_layers(small_backbone.network, ("blocks.*",))


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: (t, "more"), lambda t: [t, t + 1]])
def test_the_embedding_is_the_first_tensor(wrap: Any) -> None:
    tensor = torch.rand(2, 4)
    assert first_tensor(wrap(tensor)) is tensor


@pytest.mark.parametrize("output", [None, (), {"embedding": torch.rand(2)}, ("text",)])
def test_an_output_without_a_first_tensor_asks_for_embed(output: object) -> None:
    with pytest.raises(BackboneError, match="declare `embed`"):
        first_tensor(output)
