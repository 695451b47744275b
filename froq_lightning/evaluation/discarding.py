"""Comparison trials as images of low quality are discarded: what becomes of the error rates."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from froq_lightning.evaluation.bounds import CONFIDENCE, Rate, number_pairs, rate_by_subject, rate_by_subjects
from froq_lightning.evaluation.comparisons import Booleans, Floats, Integers, Trials, pair_quality

# Quality thresholds are tried that discard so large a share of the images more each.
STEP = 0.01


@dataclass(frozen=True)
class OperatingPoint:
    """What discarding the images below a quality threshold does.

    Args:
        quality: threshold; images below it, and those without a quality, are discarded. Minus infinity keeps all.
        discarded: share of the images.
        fnmr: false non-match rate of the mated trials between retained images.
        fmr: false match rate of the non-mated trials between retained images, at the same comparison threshold.
    """

    quality: float
    discarded: Rate
    fnmr: Rate
    fmr: Rate


class Discarding:
    """Comparison trials as images are discarded below a quality threshold. The comparison threshold does not move.

    Args:
        trials: with finite scores.
        quality: `[U]` of the images (or templates), higher is better; those with NaN are discarded first.
        threshold: comparison score that a match exceeds.
    """

    def __init__(self, trials: Trials, quality: Floats, threshold: float) -> None:
        self.trials = trials
        self.quality = np.where(np.isnan(quality), -np.inf, quality.astype(np.float64))
        self.threshold = threshold
        self._pairs = pair_quality(self.quality, trials.first, trials.second)

    @cached_property
    def images(self) -> Integers:
        """Positions of the images that are in trials."""
        return self.trials.units()

    @cached_property
    def _mated(self) -> tuple[Booleans, Floats, Integers]:
        """Whether each mated trial is a false non-match, its quality, and its subject."""
        mated = self.trials.mated
        return (
            self.trials.scores[mated] <= self.threshold,
            self._pairs[mated],
            self.trials.subjects[self.trials.first[mated]],
        )

    @cached_property
    def _non_mated(self) -> tuple[Booleans, Floats, Integers, Integers]:
        """Whether each non-mated trial is a false match, its quality, its two subjects, and the number of that pair."""
        non_mated = ~self.trials.mated
        sides = self.trials.subjects[np.stack([self.trials.first[non_mated], self.trials.second[non_mated]])]
        return (
            self.trials.scores[non_mated] > self.threshold,
            self._pairs[non_mated],
            sides,
            number_pairs(sides[0], sides[1]),
        )

    def candidates(self, most: float) -> list[float]:
        """Return the quality thresholds that are tried, rising: from none on, in steps of 1 % of the images."""
        ascending = np.sort(self.quality[self.images])
        shares = np.arange(STEP, most + STEP / 2, STEP)
        values = ascending[np.minimum((shares * len(ascending)).astype(int), len(ascending) - 1)]
        return [-math.inf, *np.unique(values[np.isfinite(values)]).tolist()]

    def at(self, quality: float) -> OperatingPoint:
        """Return what discarding below a quality threshold does."""
        errors, pairs, sides, numbers = self._non_mated
        retained = pairs >= quality
        fmr = rate_by_subjects(errors[retained], sides[0, retained], sides[1, retained], pairs=numbers[retained])
        return OperatingPoint(quality, self.discarded(quality), self.fnmr(quality), fmr)

    def discarded(self, quality: float, confidence: float = CONFIDENCE) -> Rate:
        """Return the share of images that is discarded."""
        if quality == -math.inf:
            subjects = np.unique(self.trials.subjects[self.images])
            return Rate(0, len(self.images), len(subjects), 0.0, 0.0)
        retained = self.quality[self.images] >= quality
        return rate_by_subject(~retained, self.trials.subjects[self.images], confidence)

    def fnmr(self, quality: float, repeats: int = 1, confidence: float = CONFIDENCE) -> Rate:
        """Return the false non-match rate, perhaps as if there were several times the subjects."""
        errors, pairs, subject = self._mated
        retained = pairs >= quality
        return rate_by_subject(errors[retained], subject[retained], confidence, repeats)

    def relative_fnmr(self, quality: float, repeats: int = 1) -> tuple[float, float]:
        """Return FNMR after over FNMR before, and its upper bound.

        That is the share of the false non-matches that is retained over the share of the mated trials that is, each
        bounded with half of what may go wrong.
        """
        errors, pairs, subject = self._mated
        retained, confidence = pairs >= quality, (1 + CONFIDENCE) / 2
        of_errors = rate_by_subject(retained[errors], subject[errors], confidence, repeats)
        of_trials = rate_by_subject(retained, subject, confidence, repeats)
        if not of_trials.low:
            return math.nan, math.inf
        return of_errors.value / of_trials.value, of_errors.high / of_trials.low

    def bound_without_errors(self, quality: float) -> float:
        """Return the upper bound that the FNMR would have if no retained mated trial were a false non-match."""
        _, pairs, subject = self._mated
        subject = subject[pairs >= quality]
        return rate_by_subject(np.zeros(len(subject), dtype=bool), subject).high
