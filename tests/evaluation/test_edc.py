"""Error-versus-discard curves against loops that follow the definitions word by word."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from froq_lightning.evaluation.comparisons import Trials, pair_quality
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.edc import error_versus_discard

Draw = Callable[..., tuple[Trials, np.ndarray]]


def parts(drawn: tuple[Trials, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    trials, quality = drawn
    return trials.scores, trials.mated, pair_quality(quality, trials.first, trials.second)


def lowest_threshold(non_mated: np.ndarray, fmr: float) -> float:
    return min(value for value in non_mated if np.mean(non_mated > value) <= fmr)


def nearest_threshold(non_mated: np.ndarray, fmr: float) -> float:
    candidates = [-math.inf, *sorted(non_mated)]
    return min(candidates, key=lambda value: (round(abs(np.mean(non_mated > value) - fmr), 12), value))


def cr_fiqa_by_loops(scores: np.ndarray, mated: np.ndarray, quality: np.ndarray, fmr: float) -> float:
    order = sorted(range(len(scores)), key=lambda trial: quality[trial])
    curve = []
    for step in range(20):
        retained = order[int(step * 5 * len(scores) // 100) :]
        non_mated = np.array([scores[trial] for trial in retained if not mated[trial]])
        genuine = [scores[trial] for trial in retained if mated[trial]]
        threshold = nearest_threshold(non_mated, fmr)
        curve.append(sum(score <= threshold for score in genuine) / len(genuine))
    return sum(0.05 * (left + right) / 2 for left, right in pairwise(curve))


def iso_by_loops(scores: np.ndarray, mated: np.ndarray, quality: np.ndarray, fmr: float, limit: float) -> float:
    threshold = lowest_threshold(scores[~mated], fmr)
    genuine, grades = scores[mated], quality[mated]
    area, left = 0.0, 0.0
    for grade in sorted(set(grades)):
        retained = genuine[grades >= grade]
        right = min(1 - np.sum(grades > grade) / len(genuine), limit)
        area += max(right - left, 0) * sum(score <= threshold for score in retained) / len(retained)
        left = max(left, right)
    return area


def froq_by_loops(threshold: float, genuine: np.ndarray, quality: np.ndarray) -> float:
    genuine = genuine[np.argsort(quality, kind="stable")]
    curve = [np.mean(genuine[int(step * len(genuine) // 100) :] <= threshold) for step in range(31)]
    return float(np.mean(curve) / curve[0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fmr", [0.1, 0.01])
def test_cr_fiqa_equals_its_definition(seed: int, fmr: float, draw: Draw) -> None:
    scores, mated, quality = parts(draw(seed))
    area = error_versus_discard(scores, mated, quality, create_convention("cr-fiqa"), fmr).area
    assert area == pytest.approx(cr_fiqa_by_loops(scores, mated, quality, fmr), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [0, 8])
@pytest.mark.parametrize("limit", [0.3, 0.2, 0.95])
def test_iso_equals_its_definition_with_and_without_ties(seed: int, levels: int, limit: float, draw: Draw) -> None:
    scores, mated, quality = parts(draw(seed, levels=levels))
    convention = create_convention({"preset": "iso", "limit": limit})
    area = error_versus_discard(scores, mated, quality, convention, 0.05).area
    assert area == pytest.approx(iso_by_loops(scores, mated, quality, 0.05, limit), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_froq_equals_its_definition(seed: int, draw: Draw) -> None:
    scores, mated, quality = parts(draw(seed))
    quality += np.random.default_rng(seed).random(len(quality)) * 1e-9  # pairs share images: no ties here
    area = error_versus_discard(scores, mated, quality, create_convention("froq"), 0.05).area
    threshold = lowest_threshold(scores[~mated], 0.05)
    assert area == pytest.approx(froq_by_loops(threshold, scores[mated], quality[mated]), abs=1e-12)


def test_in_froq_ties_give_the_mean_over_all_orders(draw: Draw) -> None:
    scores, mated, quality = parts(draw(3, levels=4))
    area = error_versus_discard(scores, mated, quality, create_convention("froq"), 0.05).area
    threshold, genuine, generator = lowest_threshold(scores[~mated], 0.05), scores[mated], np.random.default_rng(0)
    drawn = (quality + 1e-6 * generator.random(len(quality)) for _ in range(4000))
    orders = [froq_by_loops(threshold, genuine, broken[mated]) for broken in drawn]
    assert area == pytest.approx(np.mean(orders), abs=4 * np.std(orders) / math.sqrt(len(orders)))


def test_a_constant_quality_has_an_area_of_one_and_changes_nothing(draw: Draw) -> None:
    scores, mated, _ = parts(draw(2))
    constant = np.full(len(scores), 0.5)
    froq = error_versus_discard(scores, mated, constant, create_convention("froq"), 0.05)
    assert froq.area == pytest.approx(1, abs=1e-12)
    iso = error_versus_discard(scores, mated, constant, create_convention("iso"), 0.05)
    assert iso.fnmr.tolist() == [froq.fnmr[0]]
    assert iso.area == pytest.approx(0.3 * froq.fnmr[0], abs=1e-12)


def test_failures_to_acquire_are_discarded_first(draw: Draw) -> None:
    scores, mated, quality = parts(draw(4))
    missing = np.where(np.arange(len(quality)) % 9 == 0, np.nan, quality)
    lowest = np.where(np.isnan(missing), -5.0, quality)
    for name in ("froq", "cr-fiqa", "iso"):
        convention = create_convention(name)
        areas = [error_versus_discard(scores, mated, values, convention, 0.05).area for values in (missing, lowest)]
        assert areas[0] == areas[1]


def test_the_best_quality_reaches_the_theoretical_curve(draw: Draw) -> None:
    scores, mated, _ = parts(draw(5))
    best = error_versus_discard(scores, mated, scores, create_convention({"preset": "iso", "normalise": "best"}), 0.05)
    assert best.area == pytest.approx(0, abs=1e-12)
    theoretical = np.maximum(best.fnmr[0] - best.fractions, 0) / (1 - best.fractions)
    np.testing.assert_allclose(best.fnmr, theoretical, atol=1e-12)
    worse = error_versus_discard(
        scores, mated, -scores, create_convention({"preset": "iso", "normalise": "best"}), 0.05
    )
    assert worse.area > 0.05


@pytest.mark.parametrize("name", ["froq", "cr-fiqa", "iso"])
@pytest.mark.parametrize("flag", [True, False])
def test_without_mated_or_non_mated_trials_the_area_is_not_defined(name: str, flag: bool) -> None:
    area = error_versus_discard(np.ones(5), np.full(5, flag), np.arange(5.0), create_convention(name), 0.1).area
    assert math.isnan(area)


def test_without_errors_a_normalised_area_is_not_defined_and_a_plain_one_is_zero() -> None:
    scores, mated = np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, True, False, False])
    assert math.isnan(error_versus_discard(scores, mated, scores, create_convention("froq"), 0.1).area)
    assert error_versus_discard(scores, mated, scores, create_convention("iso"), 0.1).area == 0


def test_a_recomputed_threshold_can_go_with_a_share_of_the_mated_trials(draw: Draw) -> None:
    scores, mated, quality = parts(draw(6))
    convention = create_convention({"preset": "cr-fiqa", "discard": "mated", "limit": 0.3, "step": 0.1})
    curve = error_versus_discard(scores, mated, quality, convention, 0.05)
    for fraction, fnmr in zip(curve.fractions, curve.fnmr, strict=True):
        least = np.sort(quality[mated])[int(round(fraction * mated.sum(), 6))]
        retained = quality >= least
        threshold = nearest_threshold(scores[retained & ~mated], 0.05)
        # Pairs share images, so qualities tie: one trial may stand on either side.
        assert fnmr == pytest.approx(np.mean(scores[retained & mated] <= threshold), abs=0.02)
