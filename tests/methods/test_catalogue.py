"""What every method of the catalogue keeps to, and how methods are built from a configuration."""

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError, UnknownNameError
from froq_lightning.methods.auto_labels import AutoLabels
from froq_lightning.methods.catalogue import METHODS, create_labeller, create_method
from froq_lightning.methods.mated_similarity import MatedSimilarity
from froq_lightning.methods.quality_method import PassReader, QualityMethod

OPTIONS: dict[str, dict[str, Any]] = {
    "perturbation": {"noise": 2, "alpha": 0.3, "occlusion": 3, "micro_batch": 5},
    "ser_fiq": {"passes": 7, "micro_batch": 3},
    "face_qan": {"samples": 3, "steps": 3, "epsilon": 0.01, "micro_batch": 4},
    "grafiqs": {"micro_batch": 3},
    "flip": {"micro_batch": 5},
    "prefiqs": {"micro_batch": 5},
}


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> QualityMethod:
    return create_method({"method": request.param, **OPTIONS.get(request.param, {})})


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


@pytest.mark.parametrize("size", [1, 3])
def test_an_image_scores_the_same_whatever_its_batch(
    size: int, method: QualityMethod, staged_backbone: Backbone, small_images: Tensor
) -> None:
    images = small_images[::2]
    together = method.score(staged_backbone, images)
    assert together.shape == (7,)
    assert together.unique().numel() == 7
    parts = torch.cat([method.score(staged_backbone, part) for part in images.split(size)])
    torch.testing.assert_close(parts, together, rtol=1e-5, atol=0)


def test_bytes_and_floats_score_alike(method: QualityMethod, staged_backbone: Backbone, small_images: Tensor) -> None:
    ours = method.score(staged_backbone, small_images / 255)
    torch.testing.assert_close(ours, method.score(staged_backbone, small_images), rtol=1e-5, atol=0)


def test_in_the_inference_mode_of_a_trainer_the_scores_are_the_same(
    method: QualityMethod, staged_backbone: Backbone, small_images: Tensor
) -> None:
    expected = method.score(staged_backbone, small_images / 255)
    with torch.inference_mode():
        ours = method.score(staged_backbone, small_images / 255)
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(method.score(staged_backbone, small_images), expected, rtol=1e-5, atol=0)


def test_scoring_leaves_images_network_and_random_numbers_alone(
    method: QualityMethod,
    staged_backbone: Backbone,
    small_images: Tensor,
    state_of: Callable[[nn.Module], dict[str, Any]],
) -> None:
    images, before = small_images / 255, state_of(staged_backbone.network)
    copies = images.clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    scores = method.score(staged_backbone, images)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(images, copies)
    assert not scores.requires_grad
    assert not images.requires_grad
    assert state_of(staged_backbone.network) == before


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


@pytest.mark.parametrize("name", ["perturbation", "flip", "prefiqs", "embedding_norm", "network_quality"])
def test_a_method_that_reads_a_pass_gives_what_it_gives_alone(
    name: str, staged_backbone: Backbone, small_images: Tensor
) -> None:
    method = create_method({"method": name, **OPTIONS.get(name, {})})
    assert isinstance(method, PassReader)
    inputs = staged_backbone.preprocessing(small_images)
    with torch.no_grad():
        ours = method.score_pass(staged_backbone, inputs, staged_backbone.network(inputs))
    assert torch.equal(ours, method.score(staged_backbone, small_images))


def test_parameters_can_be_written_as_json_and_name_no_micro_batch(method: QualityMethod) -> None:
    parameters = method.parameters()
    assert json.loads(json.dumps(parameters)) == parameters
    fields = {field.name for field in dataclasses.fields(method)}  # type: ignore[arg-type]
    assert set(parameters) == fields - {"micro_batch"}


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


def test_a_method_is_built_with_its_options() -> None:
    assert create_method({"method": "perturbation"}) == METHODS["perturbation"]()
    built = create_method({"method": "ser_fiq", "passes": 5, "rate": 0.25, "scaled": True})
    assert built.parameters() == {"passes": 5, "seed": 0, "rate": 0.25, "scaled": True}
    assert create_method({"method": "ser_fiq", "rate": None}) == METHODS["ser_fiq"]()
    assert create_method({"method": "perturbation", "alpha": 1}).parameters()["alpha"] == 1.0


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"method": "serfiq"}, "unknown quality method 'serfiq'; nearest: ser_fiq"),
        ({"method": "frog"}, "unknown quality method 'frog'; nearest: froq"),
        ({"method": "x"}, "there is: embedding_norm, face_qan, flip, froq, grafiqs, network_quality, perturbation"),
        ({"method": "ser_fiq", "pases": 3}, "unknown option of ser_fiq 'pases'; nearest: passes"),
        ({"method": "embedding_norm", "seed": 3}, "unknown option of embedding_norm 'seed'; there is: none"),
        ({"method": "ser_fiq", 3: 3}, "unknown option of ser_fiq '3'; there is: micro_batch, passes"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(spec: dict[Any, Any], told: str) -> None:
    with pytest.raises(UnknownNameError, match=told):
        create_method(spec)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "Expected `method` to be the name of a quality method, but got None"),
        ({"method": ["random"]}, r"Expected `method` to be the name of a quality method, but got \['random'\]"),
        ({"method": "froq"}, "but got froq; build it from an Observer"),
        ({"method": "mated"}, "scores images one by one, but got mated, which labels a whole .*; give it as model.lab"),
        ({"method": "perturbation", "noise": "3"}, "Expected `noise` of perturbation to be int, but got '3'"),
        ({"method": "perturbation", "noise": 3.0}, r"Expected `noise` of perturbation to be int, but got 3\.0"),
        ({"method": "perturbation", "noise": True}, "Expected `noise` of perturbation to be int, but got True"),
        ({"method": "perturbation", "flip": 1}, "Expected `flip` of perturbation to be bool, but got 1"),
        ({"method": "perturbation", "noise": None}, "Expected `noise` of perturbation to be int, but got None"),
        ({"method": "perturbation", "noise_masks": 3}, r"`noise_masks` of perturbation to be str \| None, but got 3"),
        ({"method": "ser_fiq", "rate": "0.5"}, r"Expected `rate` of ser_fiq to be float \| None, but got '0\.5'"),
        ({"method": "face_qan", "epsilon": float("nan")}, "Expected `epsilon` of face_qan to be float, but got nan"),
        (
            {"method": "prefiqs", "per": "block"},
            "Expected `per` of prefiqs to be layer or network, but got 'block'",
        ),
        ({"method": "prefiqs", "share": 1}, r"Expected `share` to be between 0 and 1, but got 1\.0"),
        ({"method": "perturbation", "alpha": 2.0}, r"Expected `alpha` to be in 0\.\.1, but got 2\.0"),
    ],
)
def test_wrong_values_are_refused_in_one_sentence(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        create_method(spec)
    assert "\n" not in str(caught.value)


def test_a_labeller_is_any_method_or_labels_a_whole_set() -> None:
    assert create_labeller({"method": "mated"}) == MatedSimilarity()
    assert create_labeller({"method": "auto"}) == AutoLabels()
    assert create_labeller({"method": "perturbation", "noise": 3}) == METHODS["perturbation"](noise=3)
    with pytest.raises(UnknownNameError, match="unknown quality method 'matd'; nearest: mated"):
        create_labeller({"method": "matd"})
    with pytest.raises(UnknownNameError, match="unknown option of mated 'rate'"):
        create_labeller({"method": "mated", "rate": 3})


def test_methods_that_need_parts_which_a_network_lacks_say_so(
    mobilefacenet: Backbone, calibration_images: Tensor
) -> None:
    for name in ("ser_fiq", "network_quality"):
        with pytest.raises(BackboneError, match=r"MobileFaceNet.*; choose another method$"):
            create_method({"method": name}).score(mobilefacenet, calibration_images[:1])
