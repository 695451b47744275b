"""RCE (arXiv 2607.22752): whether images of low quality are those that cause errors. No curve, no discarding."""

import math

import numpy as np

from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.evaluation.error_rates import threshold_at_fmr


def rank_consistency(trials: Trials, quality: Floats, fmr: float, gamma: float = 3.0) -> float:
    """Weighted Spearman correlation between the ranks of images by quality and by the harm that they do.

    The harm of an image is the number of false matches and false non-matches that it takes part in, at the threshold
    fixed on all trials; equal harm is ordered by its highest non-mated minus its lowest mated score.

    Args:
        trials: with finite scores.
        quality: `[U]` of the images, higher is better; a NaN is the worst.
        fmr: false match rate of the threshold.
        gamma: exponent of the weights: 0 for all images alike; with 3, those that do most harm count most.

    Returns:
        -1..1, higher is better; NaN with fewer than two images, or no non-mated trials.
    """
    threshold = threshold_at_fmr(trials.scores[~trials.mated], fmr)
    used = trials.units()
    if len(used) < 2 or math.isnan(threshold):
        return math.nan
    harm = _ranks_of_harm(trials, threshold, used)
    rank = _ranks(-np.where(np.isnan(quality), -np.inf, quality)[used])
    count = len(used)
    # With the ranks R_H by rising harm and R_Q by falling quality, and w = (R_H / R)^gamma for R images:
    # RCE = 1 - 6 sum of w (R_H - R_Q)^2 / ((R^2 - 1) sum of w). With gamma 0 that is Spearman's rho.
    weights = (harm / count) ** gamma
    return float(1 - 6 * np.sum(weights * (harm - rank) ** 2) / ((count**2 - 1) * weights.sum()))


def _ranks_of_harm(trials: Trials, threshold: float, used: np.ndarray) -> Floats:
    """Rank images by the number H of errors that they take part in; equal H by highest non-mated - lowest mated."""
    size = len(trials.subjects)
    wrong, non_mated = (trials.scores <= threshold) == trials.mated, ~trials.mated
    # Images without trials of a kind have the margin that does least harm: similarities are in -1..1.
    harm, highest, lowest = np.zeros(size), np.full(size, -1.0), np.full(size, 1.0)
    for side in (trials.first, trials.second):
        harm += np.bincount(side[wrong], minlength=size)
        np.maximum.at(highest, side[non_mated], trials.scores[non_mated])
        np.minimum.at(lowest, side[trials.mated], trials.scores[trials.mated])
    harm, margin = harm[used], highest[used] - lowest[used]
    # Number the images by harm and then by margin; those equal in both tie.
    order = np.lexsort((margin, harm))
    rises = (np.diff(harm[order]) != 0) | (np.diff(margin[order]) != 0)
    combined = np.empty(len(used))
    combined[order] = np.append(0, np.cumsum(rises))
    return _ranks(combined)


def _ranks(values: Floats) -> Floats:
    """Mid-ranks from 1: of c equal values whose last rank is n, each gets n - (c - 1) / 2."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[group]
