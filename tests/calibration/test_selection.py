"""Which layers are chosen, which are left out and why, and when there is nothing to choose from."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from froq_lightning.calibration.rules.greedy import Greedy
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import Selection, select_layers
from froq_lightning.errors import CalibrationError

NAMES = ("good", "copy", "noisy", "opposite", "large")


@pytest.fixture
def labels() -> Tensor:
    return torch.rand(30, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def norms(labels: Tensor) -> Tensor:
    """Layers that follow the labels closely, again, loosely, backwards, and loosely at a hundredfold scale."""
    noise = torch.rand(30, 4, generator=torch.Generator().manual_seed(1))
    good = labels + 0.1 * noise[:, 0]
    columns = [good, good, labels + 0.8 * noise[:, 1], 2 - labels + 0.1 * noise[:, 2], 100 * (labels + noise[:, 3])]
    return torch.stack(columns, dim=1) + 1


def select(
    norms: Tensor, labels: Tensor, preset: str = "paper", names: Sequence[str] = NAMES, **known: Any
) -> Selection:
    return select_layers(norms, labels, names, create_rule(preset), **known)


def chosen(selection: Selection) -> list[str]:
    return [step.layer for step in selection.trajectory[: len(selection.columns)]]


def brute_force(columns: dict[str, Tensor], labels: Tensor) -> list[str]:
    """Grow the set of mean norms greedily with scipy's rho; ties go to the layer of higher utility."""

    def rho(names: list[str]) -> float:
        return float(spearmanr(sum(columns[name] for name in names) / len(names), labels).statistic)

    left = sorted(columns, key=lambda name: -rho([name]))
    grown, rhos = [left.pop(0)], []
    rhos.append(rho(grown))
    while left:
        best = max(left, key=lambda name: round(rho([*grown, name]), 12))
        left.remove(best)
        grown.append(best)
        rhos.append(rho(grown))
    return grown[: max(range(len(rhos)), key=lambda place: round(rhos[place], 12)) + 1]


@pytest.mark.parametrize("seed", range(5))
def test_the_greedy_search_is_the_one_written_out_with_scipy(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(25, generator=generator)
    norms = labels[:, None] + torch.rand(25, 8, generator=generator) * 2
    names = [f"layer{i}" for i in range(8)]
    selection = select(norms, labels, names=names)
    columns = {name: norms[:, i].double() for i, name in enumerate(names)}
    assert chosen(selection) == brute_force(columns, labels)
    scores = norms[:, list(selection.columns)].double().mean(dim=1)
    torch.testing.assert_close(selection.scores, scores)
    assert selection.set_utility.rho == pytest.approx(spearmanr(scores, labels).statistic, abs=1e-12)
    utilities = [spearmanr(column, labels).statistic for column in columns.values()]
    assert [candidate.utility for candidate in selection.candidates] == pytest.approx(utilities, abs=1e-12)


def test_the_paper_counts_a_copy_and_distinct_folds_it(norms: Tensor, labels: Tensor) -> None:
    paper = select(norms, labels)
    distinct = select(norms, labels, "distinct")
    assert {"good", "copy"} <= {step.layer for step in paper.trajectory}
    assert "copy" not in {step.layer for step in distinct.trajectory}
    for selection in (paper, distinct):
        assert {layer.name: layer.repeats for layer in selection.candidates if layer.repeats} == {"copy": "good"}


def test_of_two_copies_the_first_to_fire_is_kept(norms: Tensor, labels: Tensor) -> None:
    selection = select(norms, labels, "distinct", order=(4, 1, 0, 2, 3))
    assert "copy" in {step.layer for step in selection.trajectory}
    assert "good" not in {step.layer for step in selection.trajectory}


def test_distinct_scores_do_not_depend_on_the_scale_of_a_layer(norms: Tensor, labels: Tensor) -> None:
    before = select(norms, labels, "distinct")
    after = select(norms * torch.tensor([1, 1, 1, 1, 2**-10]), labels, "distinct")
    assert chosen(after) == chosen(before)
    torch.testing.assert_close(after.scores, before.scores)


def test_means_and_deviations_are_those_of_the_selected_columns(norms: Tensor, labels: Tensor) -> None:
    selection = select(norms, labels, "distinct")
    columns = norms[:, list(selection.columns)].double().numpy()
    assert selection.means.tolist() == pytest.approx(columns.mean(axis=0).tolist())
    assert selection.stds.tolist() == pytest.approx(columns.std(axis=0).tolist())
    assert selection.weights.tolist() == [1.0] * len(selection.layers)


def test_the_pool_limits_the_search(norms: Tensor, labels: Tensor) -> None:
    selection = select_layers(norms, labels, NAMES, Greedy(pool=2, fold_repeats=False, aggregation="mean_norm"))
    assert {step.layer for step in selection.trajectory} == {"good", "copy"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda column: torch.full_like(column, 5.5), "has the same norm for every image"),
        (lambda column: 5.5 + 1e-6 * torch.rand_like(column), "has the same norm for every image"),
        (torch.zeros_like, "has the same norm for every image"),
        (lambda column: column.where(column < column.max(), torch.nan), "has a norm that is not finite"),
        (lambda column: column.where(column < column.max(), torch.inf), "has a norm that is not finite"),
    ],
    ids=["constant", "constant but for rounding", "zero", "one NaN", "one infinity"],
)
@pytest.mark.parametrize("preset", ["distinct", "paper", "ridge"])
def test_a_useless_layer_is_left_out_with_its_reason(
    spoil: object, reason: str, preset: str, norms: Tensor, labels: Tensor
) -> None:
    norms[:, 0] = spoil(norms[:, 0])  # type: ignore[operator]
    selection = select(norms, labels, preset)
    left_out = [(layer.name, layer.utility, layer.reason) for layer in selection.candidates if layer.reason]
    assert left_out == [("good", None, reason)]
    assert "good" not in {step.layer for step in selection.trajectory}


def test_a_silent_layer_comes_last_with_its_reason(norms: Tensor, labels: Tensor) -> None:
    norms[:, 0] = torch.nan
    last = select(norms, labels, order=(1, 2, 3, 4), failures={0: "never fired"}).candidates[-1]
    assert (last.name, last.utility, last.reason) == ("good", None, "never fired")


def test_ten_images_are_enough(norms: Tensor, labels: Tensor) -> None:
    assert select(norms[:10], labels[:10]).columns


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda norms, labels: (norms[:9], labels[:9]), "at least 10 usable calibration images, but got 9"),
        (lambda norms, labels: (norms, labels * 0 + 0.9), "all calibration images have the same pseudo-quality"),
        (lambda norms, labels: (norms, labels.index_fill(0, torch.tensor(3), torch.nan)), "finite pseudo-quality"),
        (lambda norms, labels: (norms, labels[1:]), "one label per image, but got 29 for 30"),
        (lambda norms, labels: (norms * 0 + 1, labels), "none of the 5 candidate layers can be used; the first has"),
        (lambda *both: (*both, torch.arange(30) // 4), "Expected at least 10 usable calibration images, but got 8"),
        (lambda *both: (*both, None, torch.arange(29)), "Expected one group per image, but got 29 for 30"),
    ],
    ids=["few images", "equal labels", "a label is NaN", "a label is missing", "no usable layer", "copies", "groups"],
)
def test_sets_that_allow_no_selection_are_refused(
    spoil: Callable[..., tuple[Any, ...]], message: str, norms: Tensor, labels: Tensor
) -> None:
    norms, labels, *known = spoil(norms, labels)
    with pytest.raises(CalibrationError, match=message):
        select(norms, labels, **dict(zip(("originals", "groups"), known, strict=False)))
