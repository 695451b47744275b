"""Confidence intervals by resampling subjects: the trials of one subject are not independent of each other."""

from collections.abc import Callable

import numpy as np

from froq_lightning.evaluation.comparisons import Integers, Trials


def subject_interval(
    trials: Trials, metric: Callable[[Integers], float], samples: int, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of a metric under the bootstrap by subject.

    Subjects are drawn with replacement. A mated trial counts as often as its subject was drawn, a non-mated one as the
    product of its two subjects' counts.

    Args:
        trials: the full set.
        metric: computes the metric from the positions of the trials that a sample holds.
        samples: how many are drawn.
        seed: of the draws.

    Returns:
        Lower and upper end; NaN where the metric is defined on no sample.
    """
    names, subject = np.unique(trials.subjects, return_inverse=True)
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(samples):
        drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
        # A non-mated trial is there for every pair of draws of its two subjects.
        first, second = drawn[subject[trials.first]], drawn[subject[trials.second]]
        values.append(metric(np.repeat(np.arange(len(trials.scores)), np.where(trials.mated, first, first * second))))
    finite = np.array([value for value in values if np.isfinite(value)])
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (np.nan, np.nan)
    return float(low), float(high)
