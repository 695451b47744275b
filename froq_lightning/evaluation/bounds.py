"""Rates with confidence bounds: Clopper-Pearson on as many trials as those of dependent subjects are worth."""

import math
from dataclasses import dataclass

import numpy as np

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.comparisons import Booleans, Floats, Integers

CONFIDENCE = 0.95
# Probabilities further than so many standard deviations below the largest term are 0 in float64.
TAIL = 40


@dataclass(frozen=True)
class Rate:
    """A share of trials (or images) with its bounds, each of which holds with the stated confidence.

    Args:
        events: such as errors; NaN bounds and value where there are no trials.
        trials: among which they are.
        subjects: of the trials.
        low: one-sided lower bound, 0..1.
        high: one-sided upper bound, 0..1.
    """

    events: int
    trials: int
    subjects: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0..1."""
        return self.events / self.trials if self.trials else math.nan


def rate_by_subject(events: Booleans, subject: Integers, confidence: float = CONFIDENCE, repeats: int = 1) -> Rate:
    """Bound the rate of events in trials (or images) of subjects; only subjects are independent of each other.

    The trials of a subject resemble each other, so that n of them are worth n / deff. The design effect deff is the
    variance of the rate over subjects (ISO/IEC 19795-1) over that of independent trials, both computed with one more
    subject, of the average number of trials, that fails altogether: the failures that were not seen. Bounds after
    Clopper and Pearson for that number of trials hold for few and for many errors (`benchmarks/guarantee.py`).

    Args:
        events: `[P]`, whether each trial is one.
        subject: `[P]`, the number of the subject whose trial it is, 0 or more.
        confidence: of either bound, 0..1.
        repeats: computes the bounds as if there were so many times the subjects, alike.
    """
    counts = np.bincount(subject)
    errors = np.bincount(subject, weights=events)[counts > 0].astype(np.float64)
    trials = counts[counts > 0].astype(np.float64)
    effect = _design_effect(errors, trials, repeats)
    return _rate(repeats * errors.sum(), float(repeats * trials.sum()), repeats * len(trials), effect, confidence)


def number_pairs(first: Integers, second: Integers) -> Integers:
    """Number the unordered pairs of two numbers each from 0."""
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second).astype(np.int64)
    return np.unique(low * (int(high.max(initial=0)) + 1) + high, return_inverse=True)[1]


def rate_by_subjects(events: Booleans, first: Integers, second: Integers, pairs: Integers | None = None) -> Rate:
    """Bound the rate of events in trials of two subjects each; trials depend on each other if they share a subject.

    As `rate_by_subject`, with the variance of dyadic data (Aronow et al., Political Analysis 2015, eq. 4), and with one
    more pair of subjects that fails altogether: people who look alike are rare, and may be missing from the trials. The
    bound does not allow for a missing subject whom many others resemble: one more subject that fails altogether would
    leave no useful bound.

    Args:
        events: `[P]`, whether each trial is one.
        first: `[P]`, the number of the subject of one side, 0 or more.
        second: `[P]`, of the other; another one.
        pairs: `[P]`, what `number_pairs` gives these trials, or more trials that they were taken from.
    """
    if not len(events):
        return _rate(0, 0, 0, 1, CONFIDENCE)
    pairs = number_pairs(first, second) if pairs is None else pairs
    size = int(max(first.max(), second.max())) + 1
    subjects = np.bincount(first, minlength=size) + np.bincount(second, minlength=size)
    trials = np.bincount(pairs)
    count, number = len(events), int(np.count_nonzero(trials))
    average: float = count / number
    share = (float(events.sum()) + average) / (count + average)
    effect = average
    if share < 1:
        of_subjects = np.bincount(first, events, size) + np.bincount(second, events, size) - share * subjects
        of_pairs = np.bincount(pairs, events) - share * trials
        squares = (of_subjects**2).sum() - (of_pairs**2).sum() + (average - share * average) ** 2
        variance = (number + 1) / number * float(squares)
        effect = max(1.0, variance / ((count + average) * share * (1 - share)))
    return _rate(float(events.sum()), count, int(np.count_nonzero(subjects)), effect, CONFIDENCE)


def upper_bound(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson: the largest rate at which so few events, or fewer, have the probability 1 - confidence."""
    if not 0 <= events <= trials or not 0 < confidence < 1:
        raise ConfigurationError(
            f"Expected 0 <= events <= trials and 0 < confidence < 1, but got {events}, {trials} and {confidence}"
        )
    if events == trials:
        return 1.0
    # log of the binomial coefficients (trials over i), for the i below `events` that count.
    lowest = max(0, events - int(TAIL * math.sqrt(events + 1)))
    place = np.arange(lowest, events + 1)
    start = math.lgamma(trials + 1) - math.lgamma(lowest + 1) - math.lgamma(trials - lowest + 1)
    coefficients = start + np.concatenate([[0.0], np.cumsum(np.log((trials - place[1:] + 1) / place[1:]))])
    low, high = events / trials, 1.0
    while high - low > 1e-12 + 1e-9 * low:
        rate = (low + high) / 2
        terms = coefficients + place * math.log(rate) + (trials - place) * math.log1p(-rate)
        largest = float(terms.max())
        enough = largest + math.log(np.exp(terms - largest).sum()) > math.log1p(-confidence)
        low, high = (rate, high) if enough else (low, rate)
    return high


def lower_bound(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson: the smallest rate at which so many events, or more, have the probability 1 - confidence."""
    return 1 - upper_bound(trials - events, trials, confidence)


def percent(share: float) -> str:
    """Write a share to three digits."""
    return f"{100 * share:.3g} %"


def _design_effect(errors: Floats, trials: Floats, repeats: int) -> float:
    if not len(trials):
        return 1.0
    average = float(trials.mean())
    failed, total = repeats * errors.sum() + average, repeats * trials.sum() + average
    share = failed / total
    if share >= 1:  # all failed
        return average
    subjects = repeats * len(trials) + 1
    squares = repeats * ((errors - share * trials) ** 2).sum() + (average - share * average) ** 2
    variance = subjects / (subjects - 1) * squares
    return max(1.0, float(variance / (total * share * (1 - share))))


def _rate(events: float, trials: float, subjects: int, effect: float, confidence: float) -> Rate:
    """Round towards wider bounds."""
    if not trials:
        return Rate(0, 0, 0, math.nan, math.nan)
    few, many = max(1, math.floor(trials / effect)), math.ceil(trials / effect)
    high = upper_bound(min(few, math.ceil(events / effect)), few, confidence)
    low = lower_bound(math.floor(events / effect), many, confidence)
    return Rate(int(events), int(trials), subjects, low, high)
