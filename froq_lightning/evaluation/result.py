"""One figure of merit with everything needed to read it, and its computation for many methods at once."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.bootstrap import subject_interval
from froq_lightning.evaluation.comparisons import Floats, Integers, Trials, pair_quality
from froq_lightning.evaluation.convention import Convention, create_convention
from froq_lightning.evaluation.edc import error_versus_discard
from froq_lightning.evaluation.error_rates import (
    false_non_match_rate,
    non_mated_needed,
    require_fmr,
    threshold_at_fmr,
)
from froq_lightning.evaluation.rce import rank_consistency

# With fewer errors than this, differences between methods may well be chance (the "rule of 30" of ISO/IEC 19795-1: the
# true error rate then lies within 30 % of the observed one with 90 % confidence).
FEW_ERRORS = 30


@dataclass(frozen=True)
class Result:
    """How well a method's quality foretells errors on a data set.

    Args:
        data_set: name.
        method: name.
        convention: name; `Convention.describe` states it.
        fmr: false match rate of the threshold.
        value: the figure; NaN where it is not defined.
        low: end of its 95 % confidence interval; NaN without bootstrap.
        high: the other end.
        threshold: comparison score that a match exceeds, on the full set, by the convention.
        fnmr: false non-match rate on the full set at that threshold.
        false_non_matches: mated trials that do not match there: the errors that the figure rests on.
        mated: trials.
        false_matches: non-mated trials that match there: what the threshold rests on.
        non_mated: trials.
        unscored: trials whose quality is missing; they are discarded first.
        without_score: trials left out since an image gave no embedding.
        remark: what a reader should know.
        fractions: of the error-versus-discard curve, if there is one.
        curve: its false non-match rates.
    """

    data_set: str
    method: str
    convention: str
    fmr: float
    value: float
    low: float
    high: float
    threshold: float
    fnmr: float
    false_non_matches: int
    mated: int
    false_matches: int
    non_mated: int
    unscored: int
    without_score: int
    remark: str = ""
    fractions: tuple[float, ...] = ()
    curve: tuple[float, ...] = ()


@dataclass(frozen=True)
class Figures:
    """Which figures are asked for.

    Args:
        conventions: presets (froq, cr-fiqa, iso, rce), or mappings `{preset: name, knob: value, …}`.
        fmr: false match rates of the thresholds.
        bootstrap: samples behind the 95 % confidence intervals, drawn by subject; 0 for no intervals.
        seed: of these samples.
    """

    conventions: tuple[str | dict[str, Any], ...] = ("froq", "cr-fiqa", "iso", "rce")
    fmr: tuple[float, ...] = (1e-2, 1e-3)
    bootstrap: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.conventions or not self.fmr or self.bootstrap < 0:
            raise ConfigurationError("Expected a convention, an FMR, and `bootstrap` of at least 0")
        for fmr in self.fmr:
            require_fmr(fmr)
        names = [convention.name for convention in self.made()]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"Expected conventions of different names, but got {', '.join(names)}")

    def made(self) -> tuple[Convention, ...]:
        """Build the conventions."""
        return tuple(create_convention(spec) for spec in self.conventions)


def evaluate(name: str, trials: Trials, qualities: Mapping[str, Floats], figures: Figures) -> Iterator[Result]:
    """Compute the asked-for figures of every method on one data set.

    Args:
        name: of the data set.
        trials: its comparison trials; those with a NaN score are left out and counted.
        qualities: `[U]` by method, higher is better, NaN where it is missing; or `[U, K]` for K draws of a method that
            works at random, of which the mean figure is taken and the first curve.
        figures: what to compute.
    """
    usable = np.isfinite(trials.scores)
    kept = trials.take(usable)
    for method, quality in qualities.items():
        for convention in figures.made():
            for fmr in figures.fmr:
                yield _result(name, method, kept, quality, (convention, fmr), figures, int((~usable).sum()))


def _result(
    name: str,
    method: str,
    trials: Trials,
    quality: Floats,
    asked: tuple[Convention, float],
    figures: Figures,
    without_score: int,
) -> Result:
    convention, fmr = asked
    mated, non_mated = trials.scores[trials.mated], trials.scores[~trials.mated]
    draws = quality.reshape(len(quality), -1).T
    pairs = [pair_quality(draw, trials.first, trials.second) for draw in draws]
    found = [_figure(trials, *both, convention, fmr) for both in zip(draws, pairs, strict=True)]
    value = float(np.mean([figure.value for figure in found]))
    low, high = math.nan, math.nan
    if figures.bootstrap and math.isfinite(value):

        def resampled(positions: Integers) -> float:
            taken, kept = trials.take(positions), [pair[positions] for pair in pairs]
            every = [_figure(taken, *both, convention, fmr).value for both in zip(draws, kept, strict=True)]
            return float(np.mean(every))

        low, high = subject_interval(trials, resampled, figures.bootstrap, figures.seed)
    return Result(
        data_set=name,
        method=method,
        convention=convention.name,
        fmr=fmr,
        value=value,
        low=low,
        high=high,
        threshold=found[0].threshold,
        fnmr=false_non_match_rate(mated, found[0].threshold),
        false_non_matches=int((mated <= found[0].threshold).sum()),
        mated=len(mated),
        false_matches=int((non_mated > found[0].threshold).sum()),
        non_mated=len(non_mated),
        unscored=int(np.isnan(pairs[0]).sum()),
        without_score=without_score,
        remark="; ".join([*_remarks(trials, draws, found[0].threshold, fmr), *_ends(found)]),
        fractions=found[0].fractions,
        curve=found[0].curve,
    )


@dataclass(frozen=True)
class _Figure:
    """A figure, the threshold on the full set, and the curve that the figure comes from, if there is one."""

    value: float
    threshold: float
    fractions: tuple[float, ...] = ()
    curve: tuple[float, ...] = ()


def _figure(trials: Trials, quality: Floats, pairs: Floats, convention: Convention, fmr: float) -> _Figure:
    known = bool(np.isfinite(quality).any())
    if convention.measure == "rce":
        value = rank_consistency(trials, quality, fmr, convention.gamma)
        return _Figure(value if known else math.nan, threshold_at_fmr(trials.scores[~trials.mated], fmr))
    edc = error_versus_discard(trials.scores, trials.mated, pairs, convention, fmr)
    curve = (tuple(edc.fractions.tolist()), tuple(edc.fnmr.tolist())) if known else ((), ())
    return _Figure(edc.area if known else math.nan, edc.threshold, *curve)


def _remarks(trials: Trials, draws: Floats, threshold: float, fmr: float) -> Sequence[str]:
    mated, non_mated = trials.scores[trials.mated], int((~trials.mated).sum())
    quality, remarks = draws[0], [f"mean of {len(draws)} draws"] if len(draws) > 1 else []
    if not len(mated):
        remarks.append("no mated trials")
    elif not math.isnan(threshold) and not np.any(mated <= threshold):
        remarks.append("no false non-matches: nothing to discard")
    if not non_mated:
        remarks.append("no non-mated trials")
    elif non_mated < non_mated_needed(fmr):
        remarks.append(f"only {non_mated} of the {non_mated_needed(fmr)} non-mated trials that FMR {fmr:g} needs")
    if not np.isfinite(quality).any():
        remarks.append("no quality scores")
    elif np.nanmin(quality) == np.nanmax(quality):
        remarks.append("constant quality")
    return remarks


def _ends(found: Sequence[_Figure]) -> Iterator[str]:
    """Tell where the first curve that breaks off does so."""
    for figure in found:
        undefined = np.flatnonzero(np.isnan(figure.curve))
        if len(undefined) and undefined[0]:
            share = figure.fractions[undefined[0]]
            yield f"no rate is defined from a discarded share of {share:g} on: mated or non-mated trials have run out"
            return
