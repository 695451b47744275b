"""Our numbers beside those of the published FROQ code, on the same weights, faces and noise masks."""

import math
from collections import Counter
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


def labels_of(backbone: Backbone, images: Tensor, observation: Observation, shared: Path) -> dict[str, Tensor]:
    method = PerturbationQuality(noise_masks=str(shared / "golden" / "noise_masks.npy"), micro_batch=8)
    inputs, embeddings = backbone.preprocessing(images), backbone.embed(observation.output)
    terms = method.terms(backbone, inputs, embeddings)
    return {**terms, "pseudo_quality": torch.stack(list(terms.values())).mean(dim=0)}


def choose(backbone: Backbone, observation: Observation, labels: Tensor) -> Selection:
    names = backbone.candidate_layers
    return select_layers(
        observation.norms, labels, names, create_rule("paper"), observation.order, observation.failures
    )


def up_to_copies(names: list[str], selection: Selection) -> Counter[str]:
    """Count layers after every exact copy is named by its original."""
    original = {layer.name: layer.repeats or layer.name for layer in selection.candidates}
    return Counter(original[name] for name in names)


@pytest.fixture(scope="module")
def mobilefacenet_labels(
    mobilefacenet: Backbone, calibration_images: Tensor, mobilefacenet_observation: Observation, shared: Path
) -> dict[str, Tensor]:
    return labels_of(mobilefacenet, calibration_images, mobilefacenet_observation, shared)


@pytest.fixture(scope="module")
def mobilefacenet_selection(
    mobilefacenet: Backbone, mobilefacenet_observation: Observation, mobilefacenet_labels: dict[str, Tensor]
) -> Selection:
    return choose(mobilefacenet, mobilefacenet_observation, mobilefacenet_labels["pseudo_quality"])


@pytest.fixture(scope="module")
def edgeface_labels(
    edgeface: Backbone, calibration_images: Tensor, edgeface_observation: Observation, shared: Path
) -> dict[str, Tensor]:
    return labels_of(edgeface, calibration_images, edgeface_observation, shared)


@pytest.fixture(scope="module")
def edgeface_selection(
    edgeface: Backbone, edgeface_observation: Observation, edgeface_labels: dict[str, Tensor]
) -> Selection:
    return choose(edgeface, edgeface_observation, edgeface_labels["pseudo_quality"])


NETWORKS = pytest.mark.parametrize("network", ["mobilefacenet", "edgeface_xxs"])


@NETWORKS
def test_labels_agree(network: str, golden: dict[str, Any], request: pytest.FixtureRequest) -> None:
    ours = request.getfixturevalue(f"{network.removesuffix('_xxs')}_labels")
    assert ours.keys() == {"flip", "noise", "occlusion", "pseudo_quality"}
    for label, rows in ours.items():
        published = torch.tensor([row[label] for row in golden[network]["labels"].values()])
        torch.testing.assert_close(rows, published, rtol=0, atol=1e-5)


@NETWORKS
def test_utilities_agree_where_the_published_ones_are_finite(
    network: str, golden: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    selection = request.getfixturevalue(f"{network.removesuffix('_xxs')}_selection")
    ours = {layer.name: layer.utility for layer in selection.candidates}
    published = {layer["name"]: layer["utility"] for layer in golden[network]["layers"]}
    finite = {name: utility for name, utility in published.items() if utility is not None and math.isfinite(utility)}
    assert set(published) == set(ours)
    assert {name: ours[name] for name in finite} == pytest.approx(finite, abs=1e-4)


def test_mobilefacenet_layers_that_never_fired_get_no_utility(
    mobilefacenet_selection: Selection, golden: dict[str, Any]
) -> None:
    silent = {layer["name"] for layer in golden["mobilefacenet"]["layers"] if layer["utility"] is None}
    left_out = {layer.name: layer.reason for layer in mobilefacenet_selection.candidates if layer.utility is None}
    assert left_out == dict.fromkeys(silent, "never fired")


def test_mobilefacenet_selection_agrees_up_to_exact_copies(
    mobilefacenet: Backbone, mobilefacenet_selection: Selection, golden: dict[str, Any]
) -> None:
    ours = [mobilefacenet.candidate_layers[column] for column in mobilefacenet_selection.columns]
    published = golden["mobilefacenet"]["selected"]
    assert up_to_copies(ours, mobilefacenet_selection) == up_to_copies(published, mobilefacenet_selection)


def test_mobilefacenet_greedy_search_takes_the_same_steps(
    mobilefacenet_selection: Selection, golden: dict[str, Any]
) -> None:
    published = golden["mobilefacenet"]
    original = {layer.name: layer.repeats or layer.name for layer in mobilefacenet_selection.candidates}
    steps = mobilefacenet_selection.trajectory
    assert [original[step.layer] for step in steps] == [original[name] for name in published["greedy_order"]]
    assert [step.set_utility for step in steps] == pytest.approx(published["greedy_correlations"], abs=1e-4)


def test_mobilefacenet_scores_agree(mobilefacenet_selection: Selection, golden: dict[str, Any]) -> None:
    published = torch.tensor(list(golden["mobilefacenet"]["scores"].values()), dtype=torch.float64)
    torch.testing.assert_close(mobilefacenet_selection.scores, published, rtol=1e-5, atol=0)


def test_edgeface_position_embeddings_are_left_out_by_name(edgeface_selection: Selection) -> None:
    left_out = {layer.name: layer.reason for layer in edgeface_selection.candidates if layer.reason}
    for name in ("stages.1.blocks.1.pos_embd", "stages.1.blocks.1.pos_embd.token_projection"):
        assert left_out[name].startswith(("has the same norm for every image", "returns shape"))


def test_edgeface_real_layers_are_selected_where_the_published_code_chose_a_constant(
    edgeface: Backbone, edgeface_selection: Selection, golden: dict[str, Any]
) -> None:
    chosen = [edgeface.candidate_layers[column] for column in edgeface_selection.columns]
    assert not set(chosen) & set(golden["edgeface_xxs"]["selected"])
    assert edgeface_selection.scores.unique().numel() == 40
    best = max(step.set_utility for step in edgeface_selection.trajectory)
    assert best >= max(layer.utility or -1 for layer in edgeface_selection.candidates) > 0.8
    assert edgeface_selection.trajectory[len(chosen) - 1].set_utility == best
