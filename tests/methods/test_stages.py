"""The stages of real architectures, whatever their weights."""

from typing import Any

import pytest
import torch
from torch import nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.module_calls import ModuleCall
from froq_lightning.methods.stages import normalised_stages


def names(backbone: Backbone) -> list[str]:
    return [call.name for call in normalised_stages(backbone.network, torch.zeros(1, 3, *backbone.preprocessing.size))]


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
    assert names(create_backbone(backbone, **options))[: len(expected) or None] == expected


def test_what_is_no_map_is_no_stage() -> None:
    network = nn.Sequential(nn.Identity(), nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Flatten())
    assert normalised_stages(network.eval(), torch.zeros(1, 3, 6, 5)) == (ModuleCall("1", 1),)


def test_modules_called_with_names_are_followed() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.bn = nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.bn(self.conv(input=x))

    assert normalised_stages(Named().eval(), torch.zeros(1, 3, 6, 5)) == (ModuleCall("conv", 1),)
