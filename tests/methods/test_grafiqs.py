"""GraFIQs beside automatic differentiation of the whole network, one image at a time."""

import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.errors import BackboneError
from froq_lightning.methods.grafiqs import GraFIQs, normalised_stages
from froq_lightning.methods.module_calls import ModuleCall


def one_by_one(backbone: Backbone, images: Tensor, place: str) -> list[float]:
    """Sum the absolute gradient at the output of a module, or at the image, on a copy without in-place layers."""
    network = copy.deepcopy(backbone.network)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    normalised: list[tuple[nn.BatchNorm2d, Tensor]] = []
    outputs: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda module, args: normalised.append((module, args[0])))
    if place:
        network.get_submodule(place).register_forward_hook(lambda *call: outputs.append(call[-1]))
    sums = []
    for image in backbone.preprocessing(images):
        normalised.clear()
        outputs.clear()
        inputs = image[None].clone().requires_grad_()
        network(inputs)
        losses = []
        for module, activation in normalised:
            values = activation.transpose(0, 1).flatten(1)
            means, variances = values.mean(dim=1), values.var(dim=1, correction=0)
            losses.append(
                nn.functional.mse_loss(means, module.running_mean)
                + nn.functional.mse_loss(variances, module.running_var)
            )
        (gradient,) = torch.autograd.grad(torch.stack(losses).mean(), outputs[0] if place else inputs)
        sums.append(float(gradient.abs().sum()))
    return sums


STAGES = ["", "stages.0", "stages.1", "stages.2", "stages.3"]


@pytest.mark.parametrize("micro_batch", [1, 4, 14])
@pytest.mark.parametrize(("depth", "place"), list(enumerate(STAGES)))
def test_it_is_minus_the_gradient_of_single_images(
    depth: int, place: str, micro_batch: int, staged_backbone: Backbone, small_images: Tensor
) -> None:
    ours = GraFIQs(depth, micro_batch).score(staged_backbone, small_images)
    assert (-ours).tolist() == pytest.approx(one_by_one(staged_backbone, small_images, place), rel=1e-5)


class Wired(nn.Module):
    """Two convolutions and two normalisations, wired in ways that few networks are."""

    def __init__(self, kind: str, **normalisation: Any) -> None:
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.first, self.second = (nn.BatchNorm2d(4, **normalisation) for _ in range(2))
        self.act, self.mark = nn.ReLU(inplace=True), nn.Identity()
        self.last = nn.Conv2d(4, 4, 3, 2, 1)
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "unused":
            return self.head(self.conv(x).mean(dim=(2, 3)))
        if self.kind == "beside":
            small, large = self.last(self.conv(x)), x[:, :1].expand(-1, 4, -1, -1)
            return self.head(small.mean(dim=(2, 3)) + self.first(large).mean(dim=(2, 3)))
        if self.kind == "marked":
            return self.second(self.mark(self.act(self.first(self.act(self.conv(x))))))
        x = self.act(self.second(self.act(self.first(self.act(self.conv(x))))))
        return self.head(self.last(x).mean(dim=(2, 3)))


def wired(kind: str, **normalisation: Any) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Backbone.with_weights(Wired(kind, **normalisation), Preprocessing((32, 32)), None)


def test_a_module_that_runs_often_counts_in_its_last_run_before_the_last_normalisation(small_images: Tensor) -> None:
    ours = GraFIQs(depth=1).score(wired("in turn"), small_images)
    assert (-ours).tolist() == pytest.approx(one_by_one(wired("marked"), small_images, "mark"), rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "options", "depth", "message"),
    [
        ("in turn", {}, 2, "Expected Wired to have 2 stages that a BatchNorm2d follows, but got 1; choose a smaller"),
        ("beside", {}, 1, "has none after 'conv'; choose another method"),
        ("unused", {}, 0, "BatchNorm2d layers with running statistics, but Wired has none that ran; choose another"),
        ("in turn", {"track_running_stats": False}, 0, "but Wired has none that ran"),
        ("in turn", {"track_running_stats": False}, 1, "but Wired has none after 'act'"),
    ],
)
def test_networks_without_normalisations_to_compare_with_are_refused(
    kind: str, options: dict[str, Any], depth: int, message: str, small_images: Tensor
) -> None:
    with pytest.raises(BackboneError, match=message):
        GraFIQs(depth).score(wired(kind, **options), small_images)


def test_networks_without_normalisations_say_so(edgeface: Backbone, calibration_images: Tensor) -> None:
    with pytest.raises(BackboneError, match="GraFIQs needs BatchNorm2d layers, but EdgeNeXt has none; choose another"):
        GraFIQs().score(edgeface, calibration_images[:2])


def test_the_gradient_of_a_network_in_double_precision_is_taken_too(
    staged_backbone: Backbone, small_images: Tensor
) -> None:
    single = GraFIQs().score(staged_backbone, small_images)
    double = dataclasses.replace(staged_backbone, network=staged_backbone.network.double())
    torch.testing.assert_close(GraFIQs().score(double, small_images.double() / 255), single, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("plugin", "backbone", "options", "expected"),
    [
        ("froq_insightface", "arcface_iresnet18", {}, ["prelu", "layer1", "layer2", "layer3", "layer4"]),
        ("froq_ir", "adaface_ir18", {}, ["input_layer", "body.1", "body.3", "body.5", "body.7"]),
        ("froq_mobilefacenet", "mobilefacenet", {}, ["dw_conv1", "blocks.4", "blocks.11", "conv2"]),
        ("timm", "timm", {"architecture": "resnet10t"}, ["act1", "layer1", "layer2", "layer3"]),
        ("timm", "timm", {"architecture": "edgenext_xx_small"}, []),
    ],
)
def test_stages_end_before_the_maps_shrink_and_before_the_last_normalisation(
    plugin: str, backbone: str, options: dict[str, Any], expected: list[str]
) -> None:
    pytest.importorskip(plugin, reason=f"needs {plugin}")
    built = create_backbone(backbone, **options)
    stages = normalised_stages(built.network, torch.zeros(1, 3, *built.preprocessing.size))
    assert [call.name for call in stages][: len(expected) or None] == expected


def test_what_is_no_map_is_no_stage() -> None:
    network = nn.Sequential(nn.Identity(), nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Flatten())
    assert normalised_stages(network.eval(), torch.zeros(1, 3, 6, 5)) == (ModuleCall("1", 1),)


def test_modules_called_with_names_are_followed() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.bn = nn.BatchNorm2d(4)

        def forward(self, x: Tensor) -> Tensor:
            return self.bn(self.conv(input=x))

    assert normalised_stages(Named().eval(), torch.zeros(1, 3, 6, 5)) == (ModuleCall("conv", 1),)
