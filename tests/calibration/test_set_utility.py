import math

import numpy as np
import pytest
from scipy import stats

from froq_lightning.calibration.set_utility import SetUtility, Verdict, by_chance


@pytest.mark.parametrize(
    ("rho", "images", "verdict"),
    [
        (-0.04, 12, "none"),
        (-0.9, 400, "none"),
        (0.0, 400, "none"),
        (0.05, 400, "none"),  # it may be 0, and is certainly low
        (0.25, 30, "uncertain"),
        (0.6, 10, "uncertain"),
        (None, 400, "uncertain"),
        (0.29, 400, "weak"),
        (0.3, 400, "good"),
        (0.85, 40, "good"),
        (1.0, 10, "good"),
    ],
)
def test_a_low_negative_or_uncertain_set_utility_is_not_good(rho: float | None, images: int, verdict: Verdict) -> None:
    assert SetUtility(rho, images).verdict == verdict


def test_an_interval_that_is_given_rules_the_verdict() -> None:
    assert SetUtility(0.5, 400).verdict == "good"
    assert SetUtility(0.5, 400, 8, (-0.1, 0.9)).verdict == "uncertain"


@pytest.mark.parametrize(("strength", "images"), [(0.0, 12), (0.5, 40), (0.9, 100)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(strength: float, images: int) -> None:
    truth = 6 / math.pi * math.asin(strength / 2)  # Spearman's rho of normal variables
    covered = 0
    for seed in range(300):
        first, second = np.random.default_rng(seed).normal(size=(2, images))
        rho = stats.spearmanr(first, strength * first + math.sqrt(1 - strength**2) * second).statistic
        low, high = SetUtility(float(rho), images).interval
        covered += low <= truth <= high
    assert 0.9 <= covered / 300 <= 0.99


def test_the_interval_of_a_perfect_or_undefined_rho() -> None:
    assert SetUtility(1.0, 10).interval == (1.0, 1.0)
    assert SetUtility(None, 10).interval == (-1.0, 1.0)


def test_it_is_written_with_its_interval() -> None:
    assert str(SetUtility(0.5, 40)) == "0.500 (95 % confidence interval 0.20 to 0.71, 40 images)"
    grouped = SetUtility(0.5, 40, 12, (0.1, 0.8))
    assert str(grouped) == "0.500 (95 % confidence interval 0.10 to 0.80, 40 images in 12 groups)"
    assert str(SetUtility(None, 40)).startswith("not defined (95 % confidence interval -1.00 to 1.00")


@pytest.mark.parametrize("images", [10, 40, 360])
def test_what_chance_can_reach_is_where_a_test_of_rho_begins_to_reject(images: int) -> None:
    rho = by_chance(images)
    p = 2 * stats.t.sf(rho * math.sqrt((images - 2) / (1 - rho**2)), images - 2)
    assert p == pytest.approx(0.05, abs=0.02)
