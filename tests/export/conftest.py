"""Small networks of three kinds with Observers, and a way to run what was exported of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.export import onnx_model, torch_program
from froq_lightning.export.agreement import Agreement
from froq_lightning.export.export import export
from froq_lightning.export.options import ExportOptions, kind_of
from froq_lightning.observation.norms import LayerNorms


@dataclass(frozen=True)
class Exported:
    """A backbone with its Observer, and what becomes of them."""

    backbone: Backbone
    observer: Observer
    identity: BackboneIdentity
    path: Path
    images: Tensor

    def export(self, **options: Any) -> Agreement:
        chosen = ExportOptions(kind_of(self.path, None), **options)
        return export(self.path, self.backbone, self.identity, self.observer, chosen, self.images)

    def run(self, images: Tensor, *outputs: str) -> dict[str, Tensor]:
        names = outputs or ("embedding", "quality_score", "quality")
        load = onnx_model.load if self.path.suffix == ".onnx" else torch_program.load
        return dict(load(self.path, names)(images))


Make = Callable[..., Exported]


@pytest.fixture
def made(small_images: Tensor, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Calibrates a backbone on small images, or on real ones where its crops have their size."""

    def make(backbone: Backbone, file: str = "graph.onnx", preset: str = "ridge") -> Exported:
        is_small = backbone.preprocessing.size == (32, 32)
        images = small_images if is_small else request.getfixturevalue("calibration_images")[:14]
        with LayerNorms(backbone.network, backbone.candidate_layers) as norms:
            table = norms.observe(backbone.inputs(images)).norms
        rule = create_rule(preset)
        selection = select_layers(table, torch.linspace(0.9, 0.4, 14), backbone.candidate_layers, rule)
        identity = BackboneIdentity.of(backbone, "small", {"width": 8}, "froq-small", "1.2")
        observer = Observer.from_selection(selection, identity, preset, CalibrationSet(14, 0, {}))
        return Exported(backbone, observer, identity, tmp_path / file, images)

    return make


@pytest.fixture
def convolutional(small_backbone: Backbone) -> Backbone:
    """A network that writes into the output of an observed layer, fed with BGR."""
    fed = Preprocessing((32, 32), "BGR", (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    return replace(small_backbone, preprocessing=fed, candidate_layers=("stem.1", "body.*", "head"))


@pytest.fixture
def transformer() -> Backbone:
    """A ViT of two blocks."""
    torch.manual_seed(5)
    options = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 12}
    return create_backbone("timm", architecture="vit_tiny_patch16_224", size=32, **options)


@pytest.fixture
def hybrid(edgeface: Backbone) -> Backbone:
    """EdgeFace, whose convolutions are followed by attention across channels, with its real weights."""
    return edgeface


class Odd(nn.Module):
    """A network whose head is given."""

    def __init__(self, head: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = head

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.pool(self.body(inputs)).flatten(1))


@pytest.fixture
def odd() -> Callable[[Callable[[Tensor], Tensor]], Backbone]:
    """Makes a backbone of a head."""

    def make(head: Callable[[Tensor], Tensor]) -> Backbone:
        torch.manual_seed(5)
        return Backbone.with_weights(Odd(head), Preprocessing((32, 32)), None, candidate_layers=("body.*",))

    return make
