"""Our numbers beside those of the published FROQ code, on the same weights, faces and noise masks."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import Selection, select_layers
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.observation.norms import Observation


@dataclass(frozen=True)
class Calibrated:
    """What this package makes of the 40 crops."""

    layers: Sequence[str]
    labels: dict[str, Tensor]
    selection: Selection


def calibrated(backbone: Backbone, images: Tensor, observation: Observation, shared: Path) -> Calibrated:
    method = PerturbationQuality(noise_masks=str(shared / "golden" / "noise_masks.npy"), micro_batch=8)
    labels = method.terms(backbone, backbone.preprocessing(images), backbone.embed(observation.output))
    labels = {**labels, "pseudo_quality": torch.stack(list(labels.values())).mean(dim=0)}
    layers, paper = backbone.candidate_layers, create_rule("paper")
    facts = (observation.order, observation.failures)
    return Calibrated(layers, labels, select_layers(observation.norms, labels["pseudo_quality"], layers, paper, *facts))


def up_to_copies(names: list[str], selection: Selection) -> Counter[str]:
    """Count layers after every exact copy is named by its original."""
    original = {layer.name: layer.repeats or layer.name for layer in selection.candidates}
    return Counter(original[name] for name in names)


@pytest.fixture(scope="module")
def our_mobilefacenet(
    mobilefacenet: Backbone, calibration_images: Tensor, mobilefacenet_observation: Observation, shared: Path
) -> Calibrated:
    return calibrated(mobilefacenet, calibration_images, mobilefacenet_observation, shared)


@pytest.fixture(scope="module")
def our_edgeface_xxs(
    edgeface: Backbone, calibration_images: Tensor, edgeface_observation: Observation, shared: Path
) -> Calibrated:
    return calibrated(edgeface, calibration_images, edgeface_observation, shared)


@pytest.fixture(params=["mobilefacenet", "edgeface_xxs"])
def both(request: pytest.FixtureRequest, golden: dict[str, Any]) -> tuple[Calibrated, dict[str, Any]]:
    """Ours and the published numbers, of either network."""
    ours: Calibrated = request.getfixturevalue(f"our_{request.param}")
    return ours, golden[request.param]


def test_labels_agree(both: tuple[Calibrated, dict[str, Any]]) -> None:
    ours, published = both
    assert ours.labels.keys() == {"flip", "noise", "occlusion", "pseudo_quality"}
    for label, values in ours.labels.items():
        expected = torch.tensor([row[label] for row in published["labels"].values()])
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_utilities_agree_where_the_published_ones_are_finite(both: tuple[Calibrated, dict[str, Any]]) -> None:
    utilities = {layer.name: layer.utility for layer in both[0].selection.candidates}
    published = {layer["name"]: layer["utility"] for layer in both[1]["layers"]}
    finite = {name: utility for name, utility in published.items() if utility is not None and math.isfinite(utility)}
    assert set(published) == set(utilities)
    assert {name: utilities[name] for name in finite} == pytest.approx(finite, abs=1e-4)


def test_mobilefacenet_layers_that_never_fired_get_no_utility(
    our_mobilefacenet: Calibrated, golden: dict[str, Any]
) -> None:
    silent = {layer["name"] for layer in golden["mobilefacenet"]["layers"] if layer["utility"] is None}
    left_out = {layer.name: layer.reason for layer in our_mobilefacenet.selection.candidates if layer.utility is None}
    assert left_out == dict.fromkeys(silent, "never fired")


def test_mobilefacenet_selection_agrees_up_to_exact_copies(
    our_mobilefacenet: Calibrated, golden: dict[str, Any]
) -> None:
    ours = [our_mobilefacenet.layers[column] for column in our_mobilefacenet.selection.columns]
    published = golden["mobilefacenet"]["selected"]
    assert up_to_copies(ours, our_mobilefacenet.selection) == up_to_copies(published, our_mobilefacenet.selection)


def test_mobilefacenet_greedy_search_takes_the_same_steps(
    our_mobilefacenet: Calibrated, golden: dict[str, Any]
) -> None:
    published = golden["mobilefacenet"]
    original = {layer.name: layer.repeats or layer.name for layer in our_mobilefacenet.selection.candidates}
    steps = our_mobilefacenet.selection.trajectory
    assert [original[step.layer] for step in steps] == [original[name] for name in published["greedy_order"]]
    assert [step.set_utility for step in steps] == pytest.approx(published["greedy_correlations"], abs=1e-4)


def test_mobilefacenet_scores_agree(our_mobilefacenet: Calibrated, golden: dict[str, Any]) -> None:
    published = torch.tensor(list(golden["mobilefacenet"]["scores"].values()), dtype=torch.float64)
    torch.testing.assert_close(our_mobilefacenet.selection.scores, published, rtol=1e-5, atol=0)


def test_edgeface_position_embeddings_are_left_out_by_name(our_edgeface_xxs: Calibrated) -> None:
    left_out = {layer.name: layer.reason for layer in our_edgeface_xxs.selection.candidates if layer.reason}
    for name in ("stages.1.blocks.1.pos_embd", "stages.1.blocks.1.pos_embd.token_projection"):
        assert left_out[name].startswith(("has the same norm for every image", "returns shape"))


def test_edgeface_real_layers_are_selected_where_the_published_code_chose_a_constant(
    our_edgeface_xxs: Calibrated, golden: dict[str, Any]
) -> None:
    chosen = [our_edgeface_xxs.layers[column] for column in our_edgeface_xxs.selection.columns]
    assert not set(chosen) & set(golden["edgeface_xxs"]["selected"])
    assert our_edgeface_xxs.selection.scores.unique().numel() == 40
    best = max(step.set_utility for step in our_edgeface_xxs.selection.trajectory)
    assert best >= max(layer.utility or -1 for layer in our_edgeface_xxs.selection.candidates) > 0.8
    assert our_edgeface_xxs.selection.trajectory[len(chosen) - 1].set_utility == best
