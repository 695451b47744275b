"""What the methods do on real faces, and on networks that break down or lack what they need."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.registry import create_method

OPTIONS: dict[str, dict[str, Any]] = {
    "perturbation": {"noise": 2, "alpha": 0.3, "occlusion": 3, "micro_batch": 5},
    "ser_fiq": {"passes": 7, "micro_batch": 3},
    "face_qan": {"samples": 3, "steps": 3, "epsilon": 0.01, "micro_batch": 4},
    "grafiqs": {"micro_batch": 3},
    "flip": {"micro_batch": 5},
    "prefiqs": {"micro_batch": 5},
}


@pytest.fixture(scope="module")
def faces(shared: Path) -> dict[str, Tensor]:
    """By folder, 10 crops that stand for all kinds of degradation, and what they were before."""
    with (shared / "data" / "degradations.csv").open(encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file)][::170]
    return {
        folder: torch.stack([pixels(shared / "data" / folder / name) for name in names])
        for folder in ("faces", "faces_degraded")
    }


def pixels(path: Path) -> Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)


class Breaking(nn.Module):
    """Stands last, and breaks from a certain pass on."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.passes = after

    def forward(self, x: Tensor) -> Tensor:
        self.passes -= 1
        if self.passes < 0:
            raise KeyError("out of order")
        return x


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_network_that_breaks_down_is_left_as_it_was(
    after: int,
    name: str,
    staged_backbone: Backbone,
    small_images: Tensor,
    state_of: Callable[[nn.Module], dict[str, Any]],
) -> None:
    network = nn.Sequential(staged_backbone.network, Breaking(after))
    broken = dataclasses.replace(staged_backbone, network=network, candidate_layers=("*",))
    before = state_of(broken.network)
    with pytest.raises(KeyError, match="out of order"):
        create_method({"method": name, **OPTIONS[name]}).score(broken, small_images)
    assert state_of(broken.network) == before


@pytest.mark.parametrize(
    ("network", "name", "options"),
    [
        ("mobilefacenet", "embedding_norm", {}),
        ("mobilefacenet", "grafiqs", {}),
        ("edgeface", "perturbation", {"noise": 0, "occlusion": 2}),
        ("edgeface", "face_qan", {"samples": 2, "steps": 2}),
        ("edgeface", "prefiqs", {"share": 0.2}),
    ],
)
def test_degraded_faces_score_lower(
    network: str, name: str, options: dict[str, Any], faces: dict[str, Tensor], request: pytest.FixtureRequest
) -> None:
    backbone: Backbone = request.getfixturevalue(network)
    method = create_method({"method": name, **options})
    degraded, originals = (method.score(backbone, faces[folder]) for folder in ("faces_degraded", "faces"))
    assert float((degraded < originals).double().mean()) >= 0.6
    assert float(degraded.mean()) < float(originals.mean())


def test_methods_that_need_parts_which_a_network_lacks_say_so(
    mobilefacenet: Backbone, calibration_images: Tensor
) -> None:
    for name in ("ser_fiq", "network_quality"):
        with pytest.raises(BackboneError, match=r"MobileFaceNet.*; choose another method$"):
            create_method({"method": name}).score(mobilefacenet, calibration_images[:1])


@pytest.mark.parametrize("name", OPTIONS)
def test_no_images_at_once_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Expected `micro_batch` to be at least 1, but got 0"):
        create_method({"method": name, "micro_batch": 0})
