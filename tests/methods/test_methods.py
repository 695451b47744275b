"""What the methods do on real faces, and on networks that break down or lack what they need."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.prefiqs import PreFIQs
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


def state(network: nn.Module) -> list[list[Any]]:
    """All of a network that a method must leave as it was."""
    return [
        [(len(module._forward_hooks), len(module._forward_pre_hooks), module.training) for module in network.modules()],
        [(parameter.requires_grad, parameter.grad) for parameter in network.parameters()],
        [value.tolist() for value in network.state_dict().values()],
    ]


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


@pytest.mark.parametrize(
    ("name", "options", "images"),
    [
        ("flip", {}, 2 * 14),
        ("perturbation", {"noise": 3, "occlusion": 3}, 14 * (1 + 1 + 3 + 9)),
        ("face_qan", {"samples": 3, "steps": 4}, 2 * 15 + 45 * 4),  # the last micro-batch is filled up
    ],
)
def test_the_micro_batch_bounds_the_images_of_a_pass(
    name: str, options: dict[str, Any], images: int, staged_backbone: Backbone, small_images: Tensor
) -> None:
    sizes: list[int] = []
    staged_backbone.network.register_forward_hook(lambda *args: sizes.append(len(args[-1])))
    create_method({"method": name, "micro_batch": 5, **options}).score(staged_backbone, small_images)
    first = 0 if name == "face_qan" else 1  # the others start from a pass over the whole batch
    assert max(sizes[first:]) <= 5
    assert sum(sizes) == images


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_network_that_breaks_down_is_left_as_it_was(
    after: int, name: str, staged_backbone: Backbone, small_images: Tensor
) -> None:
    network = nn.Sequential(staged_backbone.network, Breaking(after))
    broken = dataclasses.replace(staged_backbone, network=network, candidate_layers=("*",))
    before = state(broken.network)
    with pytest.raises(KeyError, match="out of order"):
        create_method({"method": name, **OPTIONS[name]}).score(broken, small_images)
    assert state(broken.network) == before


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


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        *((name, {"micro_batch": 0}, "Expected `micro_batch` to be at least 1, but got 0") for name in OPTIONS),
        ("perturbation", {"noise": -1}, "`noise` and `occlusion` to be at least 0, but got -1 and 8"),
        ("perturbation", {"occlusion": -2}, "`noise` and `occlusion` to be at least 0, but got 10 and -2"),
        ("perturbation", {"flip": False, "noise": 0, "occlusion": 0}, "at least one of `flip`, `noise` and `occl"),
        ("perturbation", {"alpha": 0.0}, r"`alpha` to be in 0\.\.1, but got 0\.0"),
        ("perturbation", {"alpha": 1.5}, r"`alpha` to be in 0\.\.1, but got 1\.5"),
        ("ser_fiq", {"passes": 1}, "`passes` to be at least 2, but got 1"),
        ("ser_fiq", {"rate": 0.0}, r"`rate` to be between 0 and 1, but got 0\.0"),
        ("ser_fiq", {"rate": 1.0}, r"`rate` to be between 0 and 1, but got 1\.0"),
        ("face_qan", {"samples": 0}, "to be at least 1, but got 0, 5 and 5"),
        ("face_qan", {"steps": 0}, "to be at least 1, but got 10, 0 and 5"),
        ("face_qan", {"exponent": 0}, "to be at least 1, but got 10, 5 and 0"),
        ("face_qan", {"epsilon": 0.0}, r"`epsilon` to be between 0 and 1, but got 0\.0"),
        ("face_qan", {"epsilon": 1.0}, r"`epsilon` to be between 0 and 1, but got 1\.0"),
        ("grafiqs", {"depth": 5}, "`depth` to be 0 to 4, but got 5"),
        ("grafiqs", {"depth": -1}, "`depth` to be 0 to 4, but got -1"),
        ("prefiqs", {"share": 0.0}, r"Expected `share` to be between 0 and 1, but got 0\.0"),
        ("prefiqs", {"share": 1.0}, r"Expected `share` to be between 0 and 1, but got 1\.0"),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        create_method({"method": name, **options})


def test_what_the_registry_refuses_by_type_is_refused_in_python_too() -> None:
    with pytest.raises(ConfigurationError, match="Expected `share` to be between 0 and 1, but got nan"):
        PreFIQs(share=float("nan"))
    with pytest.raises(ConfigurationError, match="Expected `per` to be layer or network, but got 'block'"):
        PreFIQs(per="block")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"`alpha` to be in 0\.\.1, but got nan"):
        PerturbationQuality(alpha=float("nan"))
