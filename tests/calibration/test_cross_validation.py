import math

import pytest
import torch
from torch import Tensor

from froq_lightning.calibration import cross_validation
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import Selection, select_layers
from froq_lightning.calibration.set_utility import SetUtility, fisher_interval

RULES = [
    ("paper", Budget()),
    ("distinct", Budget()),
    ("ridge", Budget()),
    ("paper", Budget(max_cost=0.5)),
    ("distinct", Budget(1.0, 0.1)),
]


def drawn(images: int, layers: int, strength: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Norms of layers on scales of their own that follow the labels more or less, and the labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(images, generator=generator)
    noise = torch.rand(images, layers, generator=generator)
    scales = torch.linspace(1, 50, layers)
    return (1 + noise + strength * labels[:, None]) * scales, labels


def selected(
    norms: Tensor,
    labels: Tensor,
    preset: str = "paper",
    budget: Budget | None = None,
    groups: Tensor | None = None,
) -> Selection:
    layers = norms.shape[1]
    costs, names = torch.linspace(0.1, 1.0, layers).tolist(), [str(layer) for layer in range(layers)]
    rule, budget = create_rule(preset), budget or Budget()
    return select_layers(norms, labels, names, rule, costs=costs, budget=budget, groups=groups)


def of_subjects(subjects: int, each: int, layers: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Layers that tell subjects from each other and know nothing of quality, labels by subject, and the subjects."""
    generator = torch.Generator().manual_seed(seed)
    group = torch.arange(subjects).repeat_interleave(each)
    labels = torch.rand(subjects, generator=generator)[group] + 0.1 * torch.rand(len(group), generator=generator)
    looks = torch.rand(subjects, layers, generator=generator)[group]
    return 1 + looks + 0.05 * torch.rand(looks.shape, generator=generator), labels, group


@pytest.mark.parametrize(("preset", "budget"), RULES)
def test_a_search_among_noise_looks_good_on_its_own_images_and_not_on_others(preset: str, budget: Budget) -> None:
    result = [selected(*drawn(40, 60, 0.0, seed), preset, budget) for seed in range(12)]
    assert min(each.set_utility.rho for each in result) > 0.3, "the search flatters"
    assert abs(sum(each.cross_validated.rho for each in result) / len(result)) < 0.15
    assert sum(each.verdict in ("good", "weak") for each in result) <= 1


@pytest.mark.parametrize(("preset", "budget"), RULES)
def test_layers_that_follow_quality_do_so_on_other_images_too(preset: str, budget: Budget) -> None:
    result = selected(*drawn(120, 20, 2.0), preset, budget)
    assert result.cross_validated.rho > 0.8
    assert result.cross_validated.rho == pytest.approx(result.set_utility.rho, abs=0.1)
    assert result.verdict == "good"


def test_layers_that_follow_quality_backwards_are_no_quality() -> None:
    norms, labels = drawn(60, 5, 3.0)
    result = selected(norms, 1 - labels)
    assert result.set_utility.rho < 0
    assert result.cross_validated.rho < 0
    assert result.verdict == "none"


def test_a_single_layer_gives_its_own_rho_since_folds_are_pooled() -> None:
    norms, labels = drawn(200, 1, 1.0)
    rho = spearman(norms[:, 0], labels).item()
    assert selected(norms, labels).cross_validated.rho == pytest.approx(rho, abs=0.02)


def test_without_a_layer_that_folds_can_tell_apart_it_is_not_defined_and_uncertain() -> None:
    norms, labels = drawn(10, 4, 1.0)
    labels[:] = 0.5
    labels[3] = 0.9  # the fold that holds this image leaves labels that are all the same
    result = selected(norms, labels)
    assert result.cross_validated == SetUtility(None, 10)
    assert result.verdict == "uncertain"


def test_a_layer_that_varies_on_few_images_only_is_passed_over_where_it_does_not() -> None:
    norms, labels = drawn(40, 3, 2.0)
    norms[:, 0] = 7.0
    norms[5, 0] = 8.0
    assert selected(norms, labels).cross_validated.rho > 0.5


@pytest.mark.parametrize("subjects", [4, 8])
def test_layers_that_tell_subjects_apart_look_good_unless_a_subject_is_kept_in_one_fold(subjects: int) -> None:
    sets = [of_subjects(subjects, 80 // subjects, 60, seed) for seed in range(10)]
    split = [selected(norms, labels, "distinct").cross_validated for norms, labels, _ in sets]
    together = [selected(norms, labels, "distinct", groups=group) for norms, labels, group in sets]
    assert min(each.rho or 0 for each in split) > 0.5
    assert sum(each.cross_validated.rho or 0 for each in together) / len(together) < 0.3
    assert sum(each.verdict == "good" for each in together) <= 2
    assert {(each.cross_validated.images, each.cross_validated.groups) for each in together} == {(80, subjects)}


def test_a_single_group_is_split() -> None:
    norms, labels = drawn(60, 5, 1.0)
    alone, together = selected(norms, labels), selected(norms, labels, groups=torch.full((60,), 7))
    assert together.cross_validated == alone.cross_validated


def test_neither_the_order_of_the_images_nor_the_numbers_of_the_groups_change_it() -> None:
    norms, labels, group = of_subjects(9, 7, 5)
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(4))
    result = selected(norms, labels, groups=group).cross_validated
    assert selected(norms, labels, groups=group * 1000 - 5).cross_validated == result
    again = selected(norms[shuffled], labels[shuffled], groups=group[shuffled]).cross_validated
    assert again.rho == pytest.approx(result.rho, abs=1e-6)
    assert again.images == result.images


def test_an_interval_over_groups_covers_the_truth_where_that_of_images_does_not() -> None:
    covered = {"groups": 0, "images": 0}
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        group = torch.arange(15).repeat_interleave(10)
        shared, own = torch.randn(2, 15, generator=generator)[:, group], torch.randn(2, 150, generator=generator)
        labels, noise = shared * 0.6**0.5 + own * 0.4**0.5
        norms = (10 + labels + noise)[:, None]
        result = selected(norms, labels, groups=group).cross_validated
        assert result.rho is not None
        assert result.interval[0] <= result.rho <= result.interval[1]
        truth = 6 / math.pi * math.asin(0.5**0.5 / 2)
        for name, (low, high) in (("groups", result.interval), ("images", fisher_interval(result.rho, 150))):
            covered[name] += low <= truth <= high
    assert covered["groups"] >= 36 > covered["images"]


@pytest.mark.parametrize(
    ("size", "images", "groups"), [(1, 100, None), (8, 96, 12), (100, 400, 4)], ids=["images", "groups", "a fold each"]
)
def test_of_a_large_set_whole_groups_are_drawn(
    size: int, images: int, groups: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_validation, "MOST_IMAGES", 100)
    halves = torch.arange(400) % 2 * 1.0  # every second image is degraded: the part holds both kinds
    norms, _ = drawn(400, 6, 1.0)
    result = selected(halves[:, None] + norms, halves, groups=torch.arange(400) // size).cross_validated
    assert (result.images, result.groups) == (images, groups)
    assert result.rho > 0.5
