"""Confidence intervals by resampling subjects: the trials of one subject are not independent of each other."""

from collections.abc import Callable

import numpy as np

from froq_lightning.evaluation.comparisons import Integers, Trials


def subject_interval(
    trials: Trials, figure: Callable[[Integers], float], samples: int, seed: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of a figure under the bootstrap by subject.

    Subjects are drawn with replacement. A mated trial counts as often as its subject was drawn, a non-mated one as the
    product of its two subjects' counts.

    Args:
        trials: the full set.
        figure: computes the figure from the positions of the trials that a sample holds.
        samples: how many are drawn.
        seed: of the draws.
        confidence: share of the samples between the two ends.

    Returns:
        Lower and upper end; NaN where no sample gave a figure.
    """
    names, subject = np.unique(trials.subjects, return_inverse=True)
    generator = np.random.default_rng(seed)
    figures = []
    for _ in range(samples):
        drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
        one, other = drawn[subject[trials.first]], drawn[subject[trials.second]]
        figures.append(figure(np.repeat(np.arange(len(trials.scores)), np.where(trials.mated, one, one * other))))
    finite = np.array([value for value in figures if np.isfinite(value)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (np.nan, np.nan)
    return float(low), float(high)
