"""The error-versus-discard curve (EDC): how FNMR falls as the worst comparison trials are discarded.

Definitions: arXiv 2303.13294; the convention of FROQ (IJCB 2025) and of CR-FIQA (CVPR 2023) are presets.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from froq_lightning.evaluation.comparisons import Booleans, Floats, Integers
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.error_rates import (
    ROUNDING,
    false_non_match_rate,
    threshold_at_fmr,
    threshold_nearest_fmr,
)


@dataclass(frozen=True)
class ErrorVersusDiscardCurve:
    """An EDC and the area under it.

    Args:
        fractions: `[K]` discarded shares, ascending from 0.
        fnmr: `[K]` false non-match rates of what is retained; NaN where nothing is.
        threshold: at which the curve starts.
        area: partial area under the curve by the convention; lower is better. NaN where it is not defined.
    """

    fractions: Floats
    fnmr: Floats
    threshold: float
    area: float

    def at(self, fractions: Floats) -> Floats:
        """FNMR at other fractions, `[K]` of 0 and more: that of the last fraction of the curve before."""
        return self.fnmr[np.searchsorted(self.fractions, fractions, side="right") - 1]


def error_versus_discard(
    scores: Floats, mated: Booleans, quality: Floats, convention: Convention, fmr: float
) -> ErrorVersusDiscardCurve:
    """Compute the EDC of comparison trials.

    Args:
        scores: `[P]` comparison scores, finite.
        mated: `[P]`, whether both sides show one subject.
        quality: `[P]` of the pairs, higher is better; a NaN is a failure to acquire and discarded first.
        convention: how it is made.
        fmr: false match rate of the threshold, 0..1.
    """
    if convention.threshold == "recomputed":
        return _recomputed(scores, mated, _acquired(quality), convention, fmr)
    threshold = threshold_at_fmr(scores[~mated], fmr)
    return curve_at(scores[mated], _acquired(quality[mated]), threshold, convention)


def curve_at(scores: Floats, quality: Floats, threshold: float, convention: Convention) -> ErrorVersusDiscardCurve:
    """Compute the EDC of mated trials at a fixed threshold.

    Args:
        scores: `[P]` comparison scores, finite.
        quality: `[P]` of the pairs, higher is better; minus infinity is a failure to acquire, and discarded first.
        threshold: comparison score that a match exceeds.
        convention: how it is made, with a fixed threshold.
    """
    # EDC(r) is the FNMR, at this threshold, of the mated trials that are left once the share r of the lowest quality is
    # discarded. Non-mated trials no longer matter.
    errors, counts = _groups(scores <= threshold, quality)
    if not len(errors) or math.isnan(threshold):
        return ErrorVersusDiscardCurve(np.zeros(1), np.full(1, math.nan), threshold, math.nan)
    curve = _steps(errors, counts) if convention.ties == "together" else _expected(errors, counts)
    fractions = _grid(convention) if convention.step else _exact_fractions(curve, convention.limit)
    fnmr = _values(curve, fractions)
    area = _area(fractions, fnmr, convention)
    if convention.normalise == "best":
        # pAUC(quality) - pAUC(oracle), which discards the false non-matches first (arXiv 2303.13294).
        wrong = np.arange(counts.sum()) < errors.sum()
        best = _steps(wrong.astype(np.float64), np.ones(len(wrong)))
        ideal = fractions if convention.step else _exact_fractions(best, convention.limit)
        area -= _area(ideal, _values(best, ideal), convention)
    return ErrorVersusDiscardCurve(fractions, fnmr, threshold, area)


def _acquired(quality: Floats) -> Floats:
    """A failure to acquire is discarded first."""
    return np.where(np.isnan(quality), -np.inf, quality)


@dataclass(frozen=True)
class _Curve:
    """FNMR as a function of the number of trials discarded.

    Args:
        discarded: numbers at which the curve is known, ascending from 0.
        errors: false non-matches among what is retained there.
        total: number of trials.
        linear: whether errors are linear between these numbers, as expected of ties in random order; else constant.
    """

    discarded: Floats
    errors: Floats
    total: float
    linear: bool


def _groups(wrong: Booleans, quality: Floats) -> tuple[Floats, Floats]:
    """Count the errors and the trials of each quality, the lowest first."""
    order = np.argsort(quality)
    ascending = quality[order]
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])[: len(quality)])
    counts = np.diff(starts, append=len(quality)).astype(np.float64)
    return np.add.reduceat(wrong[order], starts, dtype=np.float64) if len(starts) else counts, counts


def _steps(errors: Floats, counts: Floats) -> _Curve:
    """Discard whole groups of equal quality: errors(d) = all errors less those of the groups discarded so far."""
    discarded = np.concatenate([[0.0], np.cumsum(counts)])
    return _Curve(discarded, errors.sum() - np.concatenate([[0.0], np.cumsum(errors)]), counts.sum(), linear=False)


def _expected(errors: Floats, counts: Floats) -> _Curve:
    """Discard trials of equal quality one by one in random order.

    Of a group with e errors among n trials, k discarded ones are expected to hold e k / n errors: linear in k.
    """
    return replace(_steps(errors, counts), linear=True)


def _values(curve: _Curve, fractions: Floats) -> Floats:
    """FNMR at discarded fractions; whole trials are discarded."""
    wanted = np.floor(fractions * curve.total + ROUNDING)  # 0.07 * 100 is 7.000000000000001, 0.29 * 100 is 28.99...
    if curve.linear:
        errors, discarded = np.interp(wanted, curve.discarded, curve.errors), wanted
    else:
        at = np.searchsorted(curve.discarded, wanted, side="right") - 1
        errors, discarded = curve.errors[at], curve.discarded[at]
    retained = curve.total - discarded
    return np.divide(errors, retained, out=np.full(len(errors), math.nan), where=retained > 0)


def _grid(convention: Convention) -> Floats:
    return np.arange(round(convention.limit / convention.step) + 1, dtype=np.float64) * convention.step


def _exact_fractions(curve: _Curve, limit: float) -> Floats:
    places = np.arange(curve.total) if curve.linear else curve.discarded[curve.discarded < curve.total]
    fractions = places / curve.total
    return fractions[fractions <= limit]


def _area(fractions: Floats, fnmr: Floats, convention: Convention) -> float:
    # mean: sum of f_k / K (FROQ); trapezoid: sum of (r_k+1 - r_k) (f_k + f_k+1) / 2 (CR-FIQA); step: the curve stays
    # constant up to the next fraction, and the last step ends at the limit (arXiv 2303.13294).
    if convention.area == "mean":
        area = float(fnmr.mean())
    elif convention.area == "trapezoid":
        area = float(np.sum(np.diff(fractions) * (fnmr[1:] + fnmr[:-1]) / 2))
    else:
        area = float(np.sum(np.diff(np.append(fractions, convention.limit)) * fnmr))
    if convention.normalise == "start":
        return area / float(fnmr[0]) if fnmr[0] else math.nan
    return area


def _recomputed(
    scores: Floats, mated: Booleans, quality: Floats, convention: Convention, fmr: float
) -> ErrorVersusDiscardCurve:
    """Discard mated and non-mated trials together, and set the threshold anew at each step."""
    order = np.argsort(quality, kind="stable")
    scores, mated = scores[order], mated[order]
    of_mated, non_mated = scores[mated], scores[~mated]
    places, fractions = np.flatnonzero(mated), _grid(convention)
    starts = np.floor(fractions * len(scores) + ROUNDING).astype(int)
    if convention.discard == "mated":
        starts = _after_mated(places, fractions, len(scores))
    thresholds, fnmr = np.empty(len(starts)), np.empty(len(starts))
    for step, (start, discarded) in enumerate(zip(starts, np.searchsorted(places, starts), strict=True)):
        thresholds[step] = threshold_nearest_fmr(non_mated[start - discarded :], fmr)
        fnmr[step] = false_non_match_rate(of_mated[discarded:], thresholds[step])
    return ErrorVersusDiscardCurve(fractions, fnmr, float(thresholds[0]), _area(fractions, fnmr, convention))


def _after_mated(places: Integers, fractions: Floats, total: int) -> Integers:
    """Places in the order of quality at which the given shares of the mated trials lie behind."""
    counts = np.floor(fractions * len(places) + ROUNDING).astype(int)
    return np.append(places, total)[np.minimum(counts, len(places))]
