from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.discarding import Discarding
from froq_lightning.evaluation.evaluate import MetricOptions, find_thresholds
from froq_lightning.evaluation.sample_errors import sample_errors
from froq_lightning.evaluation.thresholds import Decision, Targets, quality_thresholds

Draw = Callable[..., tuple[Trials, np.ndarray]]
THRESHOLD = 0.3


def population(subjects: int, fnmr: float = 0.1, seed: int = 0) -> tuple[Trials, np.ndarray]:
    """Subjects of five mated trials each; the images of a share of them are bad and never match."""
    generator = np.random.default_rng(seed)
    images = 2 * 5 * subjects
    quality = generator.random(images)
    first, second = np.arange(0, images, 2), np.arange(1, images, 2)
    scores = np.where(np.minimum(quality[first], quality[second]) < np.quantile(quality, fnmr / 2), 0.0, 0.8)
    other = (second + 10) % images
    trials = Trials(
        np.concatenate([scores, np.zeros(len(first))]),
        np.arange(2 * len(first)) < len(first),
        np.concatenate([first, first]),
        np.concatenate([second, other]),
        np.arange(images) // 10,
    )
    return trials, quality


def decide(trials: Trials, quality: np.ndarray, **targets: float | None) -> Decision:
    (decision,) = quality_thresholds(trials, quality, THRESHOLD, Targets(**{"fnmr_factor": None, **targets})).decisions
    return decision


@given(seed=st.integers(0, 10**6), share=st.floats(0, 0.9))
def test_what_discarding_does_is_what_a_loop_counts(seed: int, share: float) -> None:
    trials, quality = population(6, 0.4, seed)
    quality[0] = np.nan
    threshold = float(np.nanquantile(quality, share))
    point = Discarding(trials, quality, THRESHOLD).at(threshold)
    rows = list(zip(trials.scores, trials.mated, trials.first, trials.second, strict=True))
    left = [row for row in rows if quality[row[2]] >= threshold and quality[row[3]] >= threshold]
    mated = [score for score, is_mated, *_ in left if is_mated]
    others = [score for score, is_mated, *_ in left if not is_mated]
    assert (point.fnmr.events, point.fnmr.trials) == (sum(score <= THRESHOLD for score in mated), len(mated))
    assert (point.fmr.events, point.fmr.trials) == (sum(score > THRESHOLD for score in others), len(others))
    assert point.discarded.events == sum(not each >= threshold for each in quality)
    assert point.discarded.trials == len(quality)


def test_the_threshold_of_a_target_reaches_it_with_its_bound_and_discards_no_more_than_it_must() -> None:
    trials, quality = population(400)
    decision = decide(trials, quality, max_fnmr=0.04)
    assert decision.point is not None
    assert decision.estimate is not None
    assert decision.point.fnmr.high <= 0.04
    assert decision.point.discarded.value < 0.06
    assert decision.estimate.quality <= decision.point.quality
    assert not decision.refusal


def test_half_the_fnmr_is_certain_where_quality_foretells_errors_and_never_where_it_is_random() -> None:
    trials, quality = population(400)
    decision = decide(trials, quality, fnmr_factor=0.5)
    assert decision.point is not None
    assert decision.point.fnmr.value < 0.05
    assert Discarding(trials, quality, THRESHOLD).fnmr(-np.inf).value > 0.09
    refused = decide(trials, np.random.default_rng(1).random(len(quality)), fnmr_factor=0.5)
    assert refused.point is None
    assert "more mated trials would not change that" in refused.refusal


def test_the_share_discarded_stays_below_its_limit_with_its_bound() -> None:
    trials, quality = population(400)
    decision = decide(trials, quality, max_discard=0.1)
    assert decision.point is not None
    assert 0.07 < decision.point.discarded.value < decision.point.discarded.high <= 0.1


def test_a_limit_of_discarded_images_is_refused_where_only_discarding_none_keeps_it() -> None:
    decision = decide(*population(3), max_discard=0.05)
    assert decision.point is None
    assert decision.refusal == "30 images of 3 subjects are too few for it"


def test_without_qualities_or_a_comparison_threshold_nothing_is_said() -> None:
    trials, quality = population(30)
    with pytest.raises(DataError, match="Expected qualities of the images in the trials, but none of 300 has one"):
        quality_thresholds(trials, np.full(len(quality), np.nan), THRESHOLD, Targets())
    with pytest.raises(ConfigurationError, match="Expected a finite comparison threshold, but got nan"):
        quality_thresholds(trials, quality, np.nan, Targets())
    methods = {"none": np.full(len(quality), np.nan), "some": quality}
    found = list(find_thresholds("set", trials, methods, (), MetricOptions(fmr=[0.1])))
    assert [each.method for each in found] == ["some"]


def test_trials_that_cannot_support_a_claim_are_refused_with_how_many_would_and_those_do() -> None:
    trials, quality = population(30)
    decision = decide(trials, quality, max_fnmr=0.04)
    assert decision.point is None
    assert decision.estimate is not None
    assert "here are" in decision.refusal
    wanted = int(decision.refusal.split("mated trials of ")[1].split(" subjects")[0].replace(",", ""))
    assert 30 < wanted < 400
    assert decide(*population(2 * wanted), max_fnmr=0.04).point is not None


def test_no_errors_at_all_support_a_limit_but_nothing_to_halve() -> None:
    trials, quality = population(200, 0.0)
    limit = decide(trials, quality, max_fnmr=0.02)
    assert limit.point is not None
    assert limit.point.fnmr.events == 0
    assert limit.point.quality == -np.inf
    assert decide(trials, quality, fnmr_factor=0.5).refusal == "there are no false non-matches: nothing to reduce"


def test_decisions_said_to_be_certain_hold_for_the_people_that_a_sample_was_drawn_from() -> None:
    trials, quality = population(2000, 0.08, seed=7)
    truth = Discarding(trials, quality, THRESHOLD)
    generator, broken = np.random.default_rng(0), 0
    for _ in range(80):
        drawn = np.isin(trials.subjects[trials.first], generator.choice(2000, 150, replace=False))
        decision = decide(trials.take(drawn), quality, max_fnmr=0.05)
        broken += decision.point is not None and truth.fnmr(decision.point.quality).value > 0.05
    assert broken <= 9  # 5 %, and 80 samples


def test_one_trial_is_too_few_to_tell_what_half_is() -> None:
    trials, quality = population(200)
    error = np.flatnonzero(trials.mated & (trials.scores == 0.0))[0]
    refused = decide(trials.take((np.arange(len(trials.mated)) == error) | ~trials.mated), quality, fnmr_factor=0.5)
    assert refused.refusal == "1 mated trials of 1 subjects are too few for it"


@pytest.mark.parametrize("kind", ["mated", "non-mated"])
def test_trials_of_one_kind_are_refused(kind: str) -> None:
    trials, quality = population(5)
    with pytest.raises(DataError, match=f"comparison scores, but got no {kind} ones"):
        quality_thresholds(trials.take(trials.mated != (kind == "mated")), quality, THRESHOLD, Targets())


@pytest.mark.parametrize("target", ["max_fnmr", "max_discard", "fnmr_factor", "most_discarded"])
@pytest.mark.parametrize("value", [0.0, 1.0, -0.1])
def test_targets_are_shares(target: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"Expected `{target}` to be between 0 and 1, but got {value}"):
        Targets(**{target: value})


def test_errors_on_single_images_are_what_a_loop_over_images_counts(draw: Draw) -> None:
    trials, quality = draw(0, levels=8)
    errors = sample_errors(trials, quality, THRESHOLD)
    wrong: dict[int, list[bool]] = {}
    for score, mated, *sides in zip(trials.scores, trials.mated, trials.first, trials.second, strict=True):
        for side in sides if mated else ():
            wrong.setdefault(int(side), []).append(bool(score <= THRESHOLD))
    for threshold, acceptance, rejection in zip(
        errors.quality, errors.incorrect_acceptance, errors.incorrect_rejection, strict=True
    ):
        unfit = {image: np.mean(flags) for image, flags in wrong.items()}
        accepted = {image for image in wrong if quality[image] >= threshold}
        assert acceptance == pytest.approx(sum(unfit[image] for image in accepted) / sum(unfit.values()))
        fit = {image: 1 - share for image, share in unfit.items()}
        assert rejection == pytest.approx(sum(fit[image] for image in fit.keys() - accepted) / sum(fit.values()))
    assert (errors.incorrect_acceptance[0], errors.incorrect_rejection[0]) == (1, 0)
    assert (errors.incorrect_acceptance[-1], errors.incorrect_rejection[-1]) == pytest.approx((0, 1))
