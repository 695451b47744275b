import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.error_rates import (
    false_match_rate,
    false_non_match_rate,
    non_mated_needed,
    threshold_at_fmr,
    threshold_nearest_fmr,
)

SCORES = st.lists(st.integers(-9, 9), min_size=1, max_size=40).map(lambda values: np.array(values, dtype=float))
RATES = st.floats(0.001, 0.999)


@given(SCORES, RATES)
def test_the_threshold_is_the_lowest_that_keeps_the_fmr(non_mated: np.ndarray, fmr: float) -> None:
    allowed = [value for value in np.unique(non_mated) if np.sum(non_mated > value) <= fmr * len(non_mated) + 1e-9]
    assert threshold_at_fmr(non_mated, fmr) == min(allowed)


@given(SCORES, RATES)
def test_the_nearest_fmr_is_taken_and_of_two_as_near_the_lower_threshold(non_mated: np.ndarray, fmr: float) -> None:
    threshold = threshold_nearest_fmr(np.sort(non_mated)[::-1], fmr)
    distance = {value: abs(np.sum(non_mated > value) - fmr * len(non_mated)) for value in [-np.inf, *non_mated]}
    nearest = min(distance.values())
    assert threshold == min(value for value in distance if distance[value] <= nearest + 1e-9)


def test_a_share_that_is_whole_but_for_rounding_counts_as_whole() -> None:
    scores = np.arange(1000.0)
    for errors in range(1, 1000, 7):
        assert np.sum(scores > threshold_at_fmr(scores, errors / 1000)) == errors


def test_rates_count_a_score_at_the_threshold_as_no_match() -> None:
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    assert false_non_match_rate(scores, 0.5) == 0.75
    assert false_match_rate(scores, 0.5) == 0.25


def test_with_few_non_mated_trials_no_false_match_is_allowed() -> None:
    assert threshold_at_fmr(np.array([0.1, 0.4, 0.3]), 1e-3) == 0.4
    assert non_mated_needed(1e-3) == 1000
    assert non_mated_needed(0.3) == 4


def test_without_trials_there_is_no_rate() -> None:
    nothing = np.zeros(0)
    assert np.isnan(threshold_at_fmr(nothing, 0.1))
    assert np.isnan(threshold_nearest_fmr(nothing, 0.1))
    assert np.isnan(false_non_match_rate(nothing, 0.1))
    assert np.isnan(false_match_rate(np.ones(2), np.nan))


@pytest.mark.parametrize("fmr", [0.0, 1.0, -0.1, 1.5])
def test_a_rate_that_is_none_is_refused(fmr: float) -> None:
    with pytest.raises(ConfigurationError, match="Expected the FMR to be between 0 and 1"):
        threshold_at_fmr(np.ones(3), fmr)
