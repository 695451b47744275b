"""Ridge regression of labels on layer norms: what it finds, and what it does not depend on."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import Tensor

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules import ridge as ridge_module
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.rules.ridge import Ridge
from froq_lightning.calibration.rules.rule import LayerSet
from froq_lightning.calibration.selection import select_layers

LAYERS = 30
NAMES = [f"layer{place}" for place in range(LAYERS)]


def drawn(images: int, seed: int = 0, noise: float = 1.0, contrast: float = 0.0) -> tuple[Tensor, Tensor]:
    """Norms, on scales of their own, and labels.

    Every layer shows quality a little; with `contrast`, the first two show it in their difference alone, beneath what
    they have in common, and the others not at all.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(images, generator=generator)
    common = torch.rand(images, 1, generator=generator)
    norms = noise * torch.rand(images, LAYERS, generator=generator) + (0 if contrast else 0.3) * labels[:, None]
    norms[:, :2] += 3 * contrast * common
    norms[:, 0] += contrast * labels
    norms[:, 1] -= contrast * labels
    return (20 + norms) * torch.logspace(0, 2, LAYERS), labels


def table(norms: Tensor, labels: Tensor, originals: Tensor | None = None) -> LabelledNorms:
    each = torch.arange(len(norms)) if originals is None else originals
    return LabelledNorms(norms, labels, {}, each, each)


def chosen(norms: Tensor, labels: Tensor, rule: Ridge = Ridge(), originals: Tensor | None = None) -> LayerSet:  # noqa: B008
    return rule.choose(table(norms, labels, originals), [range(norms.shape[1])])[0]


def held_out(result: LayerSet, norms: Tensor, labels: Tensor, seed: int = 99, **drawing: float) -> float:
    """Spearman's rho on images that the layers were not chosen on."""
    others, quality = drawn(2000, seed, **drawing)
    scores = result.scores(others, "mean_standardised_norm", table(norms, labels).moments(result.columns))
    return float(spearmanr(scores, quality).statistic)


def test_where_every_layer_tells_a_little_it_makes_a_broad_mean() -> None:
    norms, labels = drawn(200)
    result = chosen(norms, labels, Ridge(most_layers=LAYERS))
    assert len(result.columns) > 20
    assert bool((result.weights > 0).all())
    greedy = create_rule("distinct").choose(
        dataclasses.replace(table(norms, labels), utilities=dict.fromkeys(range(LAYERS), 0.5)), [range(LAYERS)]
    )[0]
    assert held_out(result, norms, labels) > held_out(greedy, norms, labels)


def test_where_two_layers_tell_by_their_difference_it_takes_the_difference() -> None:
    norms, labels = drawn(300, contrast=3.0)
    result = chosen(norms, labels)
    assert set(result.columns[:2]) == {0, 1}
    weights = dict(zip(result.columns, result.weights.tolist(), strict=True))
    assert weights[0] > 0 > weights[1]
    assert held_out(result, norms, labels, contrast=3.0) > 0.9


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_the_scales_of_layers_and_labels_do_not_matter(seed: int) -> None:
    norms, labels = drawn(60, seed)
    originals = torch.arange(60) // 3
    scales = torch.logspace(-1, 1, LAYERS)
    result = chosen(norms.double(), labels, originals=originals)
    again = chosen(norms.double() * scales, 5 * labels - 2, originals=originals)
    assert again.columns == result.columns
    assert again.weights.tolist() == pytest.approx(result.weights.tolist(), rel=1e-4)
    assert again.utility == pytest.approx(result.utility, abs=1e-6)


def test_weights_of_all_layers_follow_those_of_the_normal_equations() -> None:
    norms, labels = drawn(50)
    result = chosen(norms, labels, Ridge(most_layers=LAYERS, between=1.0))
    x = ((norms.double() - norms.double().mean(dim=0)) / norms.double().std(dim=0, correction=0)).numpy()
    y = ((labels - labels.mean()) / labels.std()).double().numpy()
    weights = np.zeros(LAYERS)
    weights[list(result.columns)] = result.weights.numpy()
    penalties = np.logspace(-3, 2, 21)
    expected = [np.linalg.solve(x.T @ x / 50 + penalty * np.eye(LAYERS), x.T @ y / 50) for penalty in penalties]
    assert min(np.abs(weights - each).max() / np.abs(each).max() for each in expected) < 1e-6


def test_labels_of_different_photographs_count_less_than_those_of_copies_of_one() -> None:
    norms, quality = drawn(300)
    originals = torch.arange(300) // 3
    # A label that errs by photograph, by more than what it tells.
    errors = 10 * torch.rand(100, generator=torch.Generator().manual_seed(5))[originals]
    misled = chosen(norms, quality + errors, Ridge(between=1.0), originals)
    careful = chosen(norms, quality + errors, Ridge(between=0.0), originals)
    assert held_out(careful, norms, quality) > held_out(misled, norms, quality) + 0.02


def test_it_observes_no_more_layers_than_it_may_and_all_where_there_are_fewer() -> None:
    norms, labels = drawn(100)
    assert len(chosen(norms, labels, Ridge(most_layers=4)).columns) == 4
    assert len(chosen(norms[:, :3], labels).columns) == 3
    assert chosen(norms[:, :1], labels).columns == (0,)


def test_of_layers_that_say_the_same_one_is_enough() -> None:
    norms, labels = drawn(100)
    same = norms[:, :1] * torch.linspace(1, 2, 6)
    assert len(chosen(same, labels).columns) == 1


def test_a_large_set_is_thinned_by_whole_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    norms, labels = drawn(400)
    originals = torch.arange(400) // 4
    whole = chosen(norms, labels, originals=originals)
    monkeypatch.setattr(ridge_module, "MOST_IMAGES", 200)
    thinned = chosen(norms, labels, originals=originals)
    assert thinned.weights.tolist() != whole.weights.tolist()
    assert held_out(thinned, norms, labels) == pytest.approx(held_out(whole, norms, labels), abs=0.05)


@pytest.mark.parametrize("max_cost", [0.1, 0.5, 0.83])
def test_a_limit_to_the_cost_takes_layers_within_it(max_cost: float) -> None:
    costs = [(place + 1) / LAYERS for place in range(LAYERS)]
    selection = select_layers(*drawn(120), NAMES, create_rule("ridge"), costs=costs, budget=Budget(max_cost=max_cost))
    assert max(costs[column] for column in selection.columns) <= max_cost
    affordable = [point.utility for point in selection.front if point.cost <= max_cost]
    assert selection.in_sample == pytest.approx(max(affordable), abs=1e-9)


@pytest.mark.parametrize("subjects", [1, 2])
@pytest.mark.parametrize("layers", [1, 3, LAYERS])
def test_images_of_one_or_two_subjects_are_enough(layers: int, subjects: int) -> None:
    generator = torch.Generator().manual_seed(0)
    norms = torch.rand(20, layers, generator=generator) + 1
    labels, subject = norms[:, 0] + 0.1 * torch.rand(20, generator=generator), torch.arange(20) % subjects
    result = select_layers(norms, labels, NAMES[:layers], create_rule("ridge"), groups=subject)
    assert result.layers[0] == "layer0"
    assert result.in_sample > 0.9
