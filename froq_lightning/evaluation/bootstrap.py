"""Confidence intervals by resampling subjects: the trials of one subject are not independent of each other."""

from collections.abc import Callable

import numpy as np

from froq_lightning.evaluation.comparisons import Floats, Integers, Trials


def subject_interval(
    trials: Trials, metric: Callable[[Integers], float], samples: int, seed: int
) -> tuple[float, float]:
    """Interval of one metric; see `subject_intervals`."""
    low, high = subject_intervals(trials, lambda positions: np.array([metric(positions)]), samples, seed)
    return float(low[0]), float(high[0])


def subject_intervals(
    trials: Trials, metrics: Callable[[Integers], Floats], samples: int, seed: int
) -> tuple[Floats, Floats]:
    """95 % percentile intervals of metrics under the bootstrap by subject.

    Subjects are drawn with replacement. A mated trial counts as often as its subject was drawn, a non-mated one as the
    product of its two subjects' counts.

    Args:
        trials: the full set.
        metrics: computes `[K]` metrics from the positions of the trials that a sample holds.
        samples: how many are drawn.
        seed: of the draws.

    Returns:
        `[K]` lower and upper ends, over the samples on which a metric is defined; NaN where there are none.
    """
    names, subject = np.unique(trials.subjects, return_inverse=True)
    generator = np.random.default_rng(seed)
    values, non_mated = [], ~trials.mated
    for _ in range(samples):
        drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
        of_unit = drawn.astype(np.int32)[subject]
        # A non-mated trial is there for every pair of draws of its two subjects.
        counts = of_unit[trials.first]
        counts[non_mated] *= of_unit[trials.second[non_mated]]
        values.append(metrics(np.repeat(np.arange(len(counts), dtype=np.int32), counts)))
    finite = [column[np.isfinite(column)] for column in np.stack(values, axis=1)]
    ends = [np.quantile(column, [0.025, 0.975]) if len(column) else (np.nan, np.nan) for column in finite]
    low, high = np.array(ends).T
    return low, high
