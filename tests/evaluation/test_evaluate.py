import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.evaluation.comparisons import Trials, pair_quality
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.edc import error_versus_discard
from froq_lightning.evaluation.error_rates import false_non_match_rate, threshold_at_fmr
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate
from froq_lightning.evaluation.outcome import Result
from froq_lightning.evaluation.rce import rank_consistency

Draw = Callable[..., tuple[Trials, np.ndarray]]


def single(trials: Trials, quality: np.ndarray, **options: object) -> Result:
    (result,) = evaluate(
        "set", trials, {"mine": quality}, MetricOptions(**{"conventions": ("froq",), "fmr": (0.05,)} | options)
    )  # type: ignore[arg-type]
    return result


def test_every_method_convention_and_rate_gives_one_result(draw: Draw) -> None:
    trials, quality = draw(0)
    pairs = pair_quality(quality, trials.first, trials.second)
    results = list(evaluate("set", trials, {"good": quality, "bad": -quality}, MetricOptions(fmr=(0.1, 0.05))))
    assert len(results) == 2 * 4 * 2
    for result in results:
        sign = 1 if result.method == "good" else -1
        threshold = threshold_at_fmr(trials.scores[~trials.mated], result.fmr)
        assert result.threshold == threshold
        assert result.fnmr == false_non_match_rate(trials.scores[trials.mated], threshold)
        assert result.false_non_matches == round(result.fnmr * result.mated) > 0
        assert result.false_matches == round(result.fmr * result.non_mated) > 0
        if result.convention == "rce":
            assert result.value == rank_consistency(trials, sign * quality, result.fmr)
            assert result.curve == ()
        else:
            convention = create_convention(result.convention)
            pair = pairs if sign == 1 else pair_quality(-quality, trials.first, trials.second)
            curve = error_versus_discard(trials.scores, trials.mated, pair, convention, result.fmr)
            assert result.value == curve.area
            assert result.curve == tuple(curve.fnmr)
    good, bad = ([r.value for r in results if r.method == name and r.convention == "froq"] for name in ("good", "bad"))
    assert max(good) < 1 < min(bad)


def test_trials_without_a_score_are_left_out_and_counted_and_those_without_a_quality_too(draw: Draw) -> None:
    trials, quality = draw(1)
    scores = trials.scores.copy()
    scores[:10] = np.nan
    quality[0] = np.nan
    result = single(dataclasses.replace(trials, scores=scores), quality)
    assert result.without_score == 10
    assert result.mated + result.non_mated == 990
    assert result.unscored == int(((trials.first[10:] == 0) | (trials.second[10:] == 0)).sum()) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda trials, quality: (trials.take(trials.mated), quality), "no non-mated trials"),
        (lambda trials, quality: (trials.take(~trials.mated), quality), "no mated trials"),
        (lambda trials, quality: (trials, np.ones_like(quality)), "constant quality"),
        (lambda trials, quality: (trials, np.full_like(quality, np.nan)), "no quality scores"),
        (lambda trials, quality: (dataclasses.replace(trials, scores=trials.mated * 1.0), quality), "no false non-"),
    ],
)
def test_what_a_reader_should_know_is_remarked(
    change: Callable[..., tuple[Trials, np.ndarray]], message: str, draw: Draw
) -> None:
    trials, quality = change(*draw(2))
    for convention in ("froq", "cr-fiqa", "iso", "rce"):
        result = single(trials, quality, conventions=(convention,))
        assert message in result.remark
        if message == "no quality scores":
            assert math.isnan(result.value)
            assert result.curve == ()


def test_too_few_non_mated_trials_for_the_rate_are_remarked_with_the_number_needed(draw: Draw) -> None:
    trials, quality = draw(3)
    remark = single(trials, quality, fmr=(1e-4,)).remark
    assert remark == "only 700 of the 10000 non-mated trials that FMR 0.0001 needs"
    assert single(trials, quality, fmr=(1 / 700,)).remark == ""


def test_the_bootstrap_gives_an_interval_around_the_figure(draw: Draw) -> None:
    trials, quality = draw(4)
    for convention in ("froq", "cr-fiqa", "iso", "rce"):
        result = single(trials, quality, conventions=(convention,), bootstrap=60)
        assert result.low < result.value < result.high
        assert result.high - result.low < 1
    assert math.isnan(single(trials, quality).low)


def test_figures_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="FMR to be between 0 and 1, but got 2"):
        MetricOptions(fmr=(2,))
    with pytest.raises(ConfigurationError, match="Expected a convention"):
        MetricOptions(conventions=())
    with pytest.raises(ConfigurationError, match="conventions of different names, but got iso, iso"):
        MetricOptions(conventions=("iso", {"preset": "iso"}))
    with pytest.raises(UnknownNameError, match="nearest: cr-fiqa"):
        MetricOptions(conventions=("crfiqa",))


def test_the_figure_of_several_draws_is_their_mean(draw: Draw) -> None:
    trials, quality = draw(2)
    columns = np.stack([quality, -quality, np.roll(quality, 1)], axis=1)
    alone = [single(trials, column, bootstrap=5) for column in columns.T]
    together = single(trials, columns, bootstrap=5)
    assert together.value == pytest.approx(np.mean([result.value for result in alone]), rel=1e-12)
    assert together.curve == alone[0].curve
    assert together.low <= together.high
    assert together.remark == "mean of 3 draws"


def test_a_curve_that_runs_out_of_trials_says_where(draw: Draw) -> None:
    trials, quality = draw(3)
    mated = np.flatnonzero(trials.mated)[:3]
    few = trials.take(np.concatenate([mated, np.flatnonzero(~trials.mated)]))
    quality[trials.first[mated]] = -1
    result = single(few, quality, conventions=("cr-fiqa",))
    assert math.isnan(result.value)
    assert "mated or non-mated trials have run out" in result.remark


def test_threshold_and_rate_are_those_at_which_the_curve_starts(draw: Draw) -> None:
    trials, quality = draw(4)
    for convention in ("froq", "cr-fiqa", "iso"):
        result = single(trials, quality, conventions=(convention,), fmr=(1.8 / 700,))
        assert result.fnmr == result.curve[0]
        assert result.fnmr == false_non_match_rate(trials.scores[trials.mated], result.threshold)
    strict, nearest = (
        single(trials, quality, conventions=(name,), fmr=(1.8 / 700,)).threshold for name in ("froq", "cr-fiqa")
    )
    assert nearest < strict


def test_the_interval_of_a_curve_is_around_it_and_from_the_samples_of_the_figure(draw: Draw) -> None:
    trials, quality = draw(4, levels=9)
    for convention in ("froq", "cr-fiqa", "iso", {"preset": "iso", "step": 0.01, "area": "mean", "limit": 0.01}):
        result = single(trials, quality, conventions=(convention,), bootstrap=60)
        assert len(result.curve_low) == len(result.curve_high) == len(result.fractions) == len(result.curve)
        low, fnmr, high = np.array([result.curve_low, result.curve, result.curve_high])
        assert np.mean((low < fnmr) & (fnmr < high)) > 0.8, "the last errors may have gone in every sample"
        assert np.all(low <= high)
    assert result.curve[0] == result.curve[1] == result.value, "the last curve is flat, since ties go together"
    assert result.curve_low == (result.low, result.low)
    assert result.curve_high == (result.high, result.high)
    assert single(trials, quality).curve_low == ()
    assert single(trials, quality, conventions=("rce",), bootstrap=5).curve_low == ()


def test_a_curve_is_thinned_evenly_after_the_figure_was_computed(draw: Draw) -> None:
    trials, _ = draw(5, mated=9_000, non_mated=1_000)
    trials = dataclasses.replace(trials, first=np.arange(10_000), second=np.arange(10_000), subjects=np.arange(10_000))
    quality = np.random.default_rng(0).random(10_000)
    whole = error_versus_discard(trials.scores, trials.mated, quality, create_convention("iso"), 0.05)
    result = single(trials, quality, conventions=("iso",), bootstrap=2)
    assert len(whole.fractions) == 2701
    assert len(result.curve) == len(result.curve_high) == 1001
    assert result.value == whole.area
    assert (result.fractions[0], result.fractions[-1]) == (whole.fractions[0], whole.fractions[-1])
    assert set(np.diff(np.searchsorted(whole.fractions, result.fractions))) == {2, 3}
    np.testing.assert_array_equal(result.curve, whole.at(np.array(result.fractions)))
