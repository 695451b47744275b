"""Which sets of layers are worth their cost, and which of them a budget takes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import Tensor

from froq_lightning.calibration import pareto_front as front_module
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import Selection, select_layers
from froq_lightning.errors import CalibrationError, ConfigurationError

IMAGES, LAYERS = 40, 14
NAMES = tuple(f"layer{i}" for i in range(LAYERS))
COSTS = [(place + 1) / LAYERS for place in range(LAYERS)]


def drawn(seed: int, images: int = IMAGES) -> tuple[Tensor, Tensor]:
    """Norms of layers that tell more the deeper they lie, and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(images, generator=generator)
    noise = torch.rand(images, LAYERS, generator=generator) * torch.linspace(3, 0.4, LAYERS)
    return labels[:, None] + noise, labels


def selected(seed: int, budget: Budget, preset: str = "paper") -> Selection:
    norms, labels = drawn(seed)
    return select_layers(norms, labels, NAMES, create_rule(preset), costs=COSTS, budget=budget)


def within(seed: int, depth: int, preset: str = "paper") -> Selection:
    """What is selected where there are no deeper layers at all."""
    norms, labels = drawn(seed)
    return select_layers(norms[:, :depth], labels, NAMES[:depth], create_rule(preset))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_no_point_of_the_front_is_worse_and_no_cheaper_than_another(seed: int) -> None:
    points = selected(seed, Budget()).front
    assert [point.cost for point in points] == sorted({point.cost for point in points})
    assert [point.utility for point in points] == sorted({point.utility for point in points})


@pytest.mark.parametrize("preset", ["paper", "distinct"])
@pytest.mark.parametrize("seed", range(3))
def test_the_front_is_that_of_a_search_at_every_depth(seed: int, preset: str) -> None:
    searched = [within(seed, depth, preset) for depth in range(1, LAYERS + 1)]
    sets = {(COSTS[max(each.columns)], each.trajectory[len(each.columns) - 1].set_utility) for each in searched}
    best = {point for point in sets if not any(c <= point[0] and u >= point[1] for c, u in sets - {point})}
    result = [(point.cost, point.utility) for point in selected(seed, Budget(), preset).front]
    assert result == [pytest.approx(point, abs=1e-12) for point in sorted(best)]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), max_cost=st.floats(COSTS[0], 0.999), tolerance=st.floats(0, 0.5))
def test_a_budget_takes_the_cheapest_set_within_the_tolerance_of_the_best_affordable_one(
    seed: int, max_cost: float, tolerance: float
) -> None:
    result = selected(seed, Budget(max_cost, tolerance))
    affordable = [point for point in result.front if point.cost <= max_cost]
    enough = [point for point in affordable if point.utility >= max(each.utility for each in affordable) - tolerance]
    assert set(result.columns) == set(min(enough, key=lambda point: point.cost).columns)
    norms, labels = drawn(seed)
    utility = spearmanr(norms[:, list(result.columns)].double().mean(dim=1), labels).statistic
    assert result.in_sample == pytest.approx(utility, abs=1e-12)
    assert result.cost is not None
    assert result.cost <= max_cost


def test_a_limit_below_the_first_layer_is_refused() -> None:
    message = r"within `max_cost` 0\.01 of a forward pass; the cheapest one takes 0\.071"
    with pytest.raises(CalibrationError, match=message):
        selected(0, Budget(max_cost=0.01))


def test_without_costs_there_is_no_front() -> None:
    norms, labels = drawn(0)
    result = select_layers(norms, labels, NAMES, create_rule("paper"))
    assert (result.front, result.costs, result.cost) == ((), {}, None)
    with pytest.raises(CalibrationError, match="costs of the layers to be known, since there is a budget"):
        select_layers(norms, labels, NAMES, create_rule("paper"), budget=Budget(max_cost=0.5))


def test_the_front_of_many_images_is_drawn_from_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    norms, labels = drawn(0, images=400)
    rule, costs = create_rule("paper"), dict(enumerate(COSTS))
    groups = torch.arange(len(norms)) // 2
    table = LabelledNorms(norms, labels, dict.fromkeys(range(LAYERS), 0.5), groups, groups)
    thinned = table.thinned(100)
    assert len(thinned.norms) == 100
    assert len(thinned.groups.unique()) == 50
    expected = front_module.pareto_front(rule, thinned, range(LAYERS), costs)
    monkeypatch.setattr(front_module, "MOST_IMAGES", 100)
    assert front_module.pareto_front(rule, table, range(LAYERS), costs) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_cost": 0.0}, "above 0 and at most 1, but got 0.0"),
        ({"max_cost": 40.0}, "above 0 and at most 1, but got 40.0"),
        ({"tolerance": -0.1}, r"in 0\.\.2, but got -0\.1"),
        ({"tolerance": float("nan")}, r"in 0\.\.2, but got nan"),
    ],
)
def test_an_impossible_budget_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Budget(**options)
