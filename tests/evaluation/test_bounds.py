import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.bounds import lower_bound, rate_by_subject, rate_by_subjects, upper_bound


@given(st.integers(1, 10**6), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.975, 0.999]))
def test_bounds_are_those_of_clopper_and_pearson(trials: int, share: float, confidence: float) -> None:
    events = round(share * trials)
    high = 1.0 if events == trials else beta.ppf(confidence, events + 1, trials - events)
    low = 0.0 if events == 0 else beta.ppf(1 - confidence, events, trials - events + 1)
    assert upper_bound(events, trials, confidence) == pytest.approx(high, rel=1e-6, abs=1e-9)
    assert lower_bound(events, trials, confidence) == pytest.approx(low, rel=1e-6, abs=1e-8)


def test_bounds_of_millions_of_events_are_as_near() -> None:
    assert upper_bound(10**7, 2 * 10**7) == pytest.approx(beta.ppf(0.95, 10**7 + 1, 10**7), rel=1e-8)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="Expected 0 <= events <= trials and 0 < confidence < 1, but got 3, 2"):
        upper_bound(3, 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=60))
def test_the_rate_lies_within_its_bounds_and_more_subjects_narrow_them(
    rows: list[tuple[int, bool]],
) -> None:
    subject, events = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    rate, more = rate_by_subject(events, subject), rate_by_subject(events, subject, repeats=50)
    assert rate.value == events.mean() == more.value
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert more.high <= rate.high + 1e-9
    assert (rate.trials, rate.subjects) == (len(rows), len(set(subject.tolist())))


def test_trials_of_one_subject_are_worth_less_than_those_of_many() -> None:
    events = np.arange(200) < 20
    many = rate_by_subject(events, np.arange(200))
    few = rate_by_subject(events, np.arange(200) // 20)  # the first subject fails altogether
    assert few.high > 2 * many.high - many.value
    assert many.high < beta.ppf(0.95, 21, 180) + 0.01


@pytest.mark.parametrize(("spread", "size"), [(0.05, 400), (1.0, 400), (20.0, 400), (1.0, 100)])
def test_bounds_hold_for_samples_of_subjects_who_fail_together(spread: float, size: int) -> None:
    generator, holds = np.random.default_rng(0), []
    for _ in range(400):
        trials = np.minimum(generator.geometric(0.25, size), 15)
        chance = generator.beta(0.05 * spread, 0.95 * spread, size)
        subject = np.repeat(np.arange(size), trials)
        rate = rate_by_subject(generator.random(len(subject)) < chance[subject], subject)
        holds.append(rate.low <= 0.05 <= rate.high)
    assert np.mean(holds) > 0.87  # each bound in 95 %, and 400 samples


def test_non_mated_trials_depend_on_each_other_if_they_share_a_subject() -> None:
    first, second = np.triu_indices(40, 1)
    one_wolf = rate_by_subjects(first == 0, first, second)
    generator = np.random.default_rng(0)
    scattered = rate_by_subjects(generator.permutation(first == 0), first, second)
    assert one_wolf.value == scattered.value
    assert one_wolf.high > 1.5 * scattered.high


@pytest.mark.parametrize(("share", "chance"), [(1 / 1000, 0.5), (1 / 300, 0.5), (1 / 30, 0.1)])
def test_bounds_hold_where_few_pairs_of_people_look_alike(share: float, chance: float) -> None:
    generator, holds = np.random.default_rng(0), []
    first, second = (np.repeat(side, 16) for side in np.triu_indices(60, 1))
    for _ in range(200):
        alike = np.repeat(generator.random(len(first) // 16) < share, 16)
        rate = rate_by_subjects(alike & (generator.random(len(first)) < chance), first, second)
        holds.append(rate.high >= share * chance)
    assert np.mean(holds) >= 0.95


def test_many_images_of_few_subjects_do_not_bound_false_matches() -> None:
    first, second = (np.repeat(side, 10_000) for side in np.triu_indices(3, 1))
    assert rate_by_subjects(np.zeros(len(first), dtype=bool), first, second).high > 0.5


def test_no_trials_have_no_rate() -> None:
    nothing = np.zeros(0, dtype=int)
    for rate in (rate_by_subject(nothing == 1, nothing), rate_by_subjects(nothing == 1, nothing, nothing)):
        assert np.isnan([rate.value, rate.low, rate.high]).all()
