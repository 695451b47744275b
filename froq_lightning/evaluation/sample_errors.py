"""Incorrect sample acceptance and rejection: whether single images are discarded that would have matched."""

from dataclasses import dataclass

import numpy as np

from froq_lightning.evaluation.comparisons import Floats, Trials


@dataclass(frozen=True)
class SampleErrors:
    """Errors of accepting or rejecting images by their quality, as the quality threshold rises (ISO/IEC 29794-1).

    Args:
        quality: `[K]` thresholds, rising; images below are rejected. The first rejects none.
        incorrect_acceptance: `[K]`, share of the false non-matches whose image is accepted, 0..1.
        incorrect_rejection: `[K]`, share of the matches whose image is rejected, 0..1.
    """

    quality: Floats
    incorrect_acceptance: Floats
    incorrect_rejection: Floats


def sample_errors(trials: Trials, quality: Floats, threshold: float) -> SampleErrors:
    """Compute both errors at every quality that occurs.

    Every image counts alike, with the shares of its mated trials that match and that do not.

    Args:
        trials: with finite scores.
        quality: `[U]` of the images (or templates), higher is better; NaN is rejected first.
        threshold: comparison score that a match exceeds.
    """
    mated = trials.take(trials.mated)
    wrong, size = mated.scores <= threshold, len(trials.subjects)
    failures, counts = np.zeros(size), np.zeros(size)
    for side in (mated.first, mated.second):
        failures += np.bincount(side, weights=wrong, minlength=size)
        counts += np.bincount(side, minlength=size)
    images = np.flatnonzero(counts)
    unfit = failures[images] / counts[images]
    values = np.where(np.isnan(quality[images]), -np.inf, quality[images])
    thresholds, place = np.unique(values, return_inverse=True)
    thresholds = np.append(thresholds, np.inf)
    # Rejected at a threshold is what has a lower quality: the sums shift by one.
    rejected_unfit = np.concatenate([[0.0], np.cumsum(np.bincount(place, unfit))])
    rejected_fit = np.concatenate([[0.0], np.cumsum(np.bincount(place, 1 - unfit))])
    with np.errstate(invalid="ignore"):
        return SampleErrors(thresholds, 1 - rejected_unfit / unfit.sum(), rejected_fit / (1 - unfit).sum())
