"""The metrics of many methods on one data set."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.bootstrap import subject_interval
from froq_lightning.evaluation.comparisons import Floats, Integers, Trials, pair_quality
from froq_lightning.evaluation.convention import PRESETS, Convention, create_convention
from froq_lightning.evaluation.edc import error_versus_discard
from froq_lightning.evaluation.error_rates import (
    false_non_match_rate,
    non_mated_needed,
    require_fmr,
    threshold_at_fmr,
)
from froq_lightning.evaluation.groups import compare_groups
from froq_lightning.evaluation.outcome import MethodThresholds, Result
from froq_lightning.evaluation.rce import rank_consistency
from froq_lightning.evaluation.thresholds import Targets, quality_thresholds


@dataclass(frozen=True)
class MetricOptions:
    """Which metrics to compute.

    Args:
        conventions: presets (froq, cr-fiqa, iso, rce), or mappings `{preset: name, knob: value, …}`.
        fmr: false match rates of the thresholds.
        bootstrap: samples behind the 95 % confidence intervals, drawn by subject; 0 for no intervals.
        seed: of these samples.
        targets: what quality thresholds are to reach.
    """

    conventions: tuple[str | dict[str, Any], ...] = ("froq", "cr-fiqa", "iso", "rce")
    fmr: tuple[float, ...] = (1e-2, 1e-3)
    bootstrap: int = 0
    seed: int = 0
    targets: Targets = Targets()  # noqa: RUF009 - immutable

    def __post_init__(self) -> None:
        if not self.conventions or not self.fmr or self.bootstrap < 0:
            raise ConfigurationError("Expected a convention, an FMR, and `bootstrap` of at least 0")
        for fmr in self.fmr:
            require_fmr(fmr)
        names = [convention.name for convention in self.created_conventions()]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"Expected conventions of different names, but got {', '.join(names)}")

    def created_conventions(self) -> tuple[Convention, ...]:
        """Build the conventions."""
        return tuple(create_convention(spec) for spec in self.conventions)


def evaluate(name: str, trials: Trials, qualities: Mapping[str, Floats], options: MetricOptions) -> Iterator[Result]:
    """Compute the metrics of every method on one data set.

    Args:
        name: of the data set.
        trials: its comparison trials; those with a NaN score are left out and counted.
        qualities: `[U]` by method, higher is better, NaN where it is missing; or `[U, K]` for K draws of a method that
            works at random, of whose metrics the mean is taken, and the first curve.
        options: which metrics to compute.
    """
    usable = np.isfinite(trials.scores)
    scored, without_score = trials.take(usable), int((~usable).sum())
    for method, quality in qualities.items():
        for convention in options.created_conventions():
            for fmr in options.fmr:
                result = _result(name, method, scored, quality, convention, fmr, options)
                yield replace(result, without_score=without_score)


def find_thresholds(
    name: str,
    trials: Trials,
    qualities: Mapping[str, Floats],
    percentiles: Collection[str],
    options: MetricOptions,
    groups: tuple[str, Sequence[str]] | None = None,
) -> Iterator[MethodThresholds]:
    """Find the quality thresholds of every method on one data set, for the targets.

    Args:
        name: of the data set.
        trials: its comparison trials; those with a NaN score are left out. Without mated or non-mated ones there is
            nothing to find.
        qualities: `[U]` by method, higher is better, NaN where it is missing. Of one that has none there is nothing
            to find.
        percentiles: methods whose qualities are those in 0..100 of an Observer.
        options: FMRs, targets and conventions.
        groups: a column, and `[U]` names of groups of people in it, which are compared by the first method.
    """
    non_mated = trials.scores[np.isfinite(trials.scores) & ~trials.mated]
    if not len(non_mated) or not (np.isfinite(trials.scores) & trials.mated).any():
        return
    conventions = [each for each in options.created_conventions() if each.measure == "edc"]
    convention = next((each for each in conventions if each.threshold == "fixed"), PRESETS["froq"])
    images = np.concatenate([trials.first, trials.second])[np.tile(np.isfinite(trials.scores), 2)]
    qualities = {method: each for method, each in qualities.items() if np.isfinite(each[images]).any()}
    first = next(iter(qualities), "")
    for method, quality in qualities.items():
        for fmr in options.fmr:
            result = quality_thresholds(trials, quality, threshold_at_fmr(non_mated, fmr), options.targets)
            compared = None
            if groups and method == first:
                compared = compare_groups(*groups, trials, quality, result, options.targets, convention)
            yield MethodThresholds(name, method, fmr, method in percentiles, result, compared)


def _result(
    name: str, method: str, trials: Trials, quality: Floats, convention: Convention, fmr: float, options: MetricOptions
) -> Result:
    mated, non_mated = trials.scores[trials.mated], trials.scores[~trials.mated]
    draws = quality.reshape(len(quality), -1).T
    pairs = [pair_quality(draw, trials.first, trials.second) for draw in draws]
    metrics = [_metric(trials, *both, convention, fmr) for both in zip(draws, pairs, strict=True)]
    value, threshold = float(np.mean([metric.value for metric in metrics])), metrics[0].threshold
    low, high = math.nan, math.nan
    if options.bootstrap and math.isfinite(value):

        def resampled(positions: Integers) -> float:
            sample, qualities = trials.take(positions), [pair[positions] for pair in pairs]
            values = [_metric(sample, *both, convention, fmr).value for both in zip(draws, qualities, strict=True)]
            return float(np.mean(values))

        low, high = subject_interval(trials, resampled, options.bootstrap, options.seed)
    return Result(
        data_set=name,
        method=method,
        convention=convention.name,
        fmr=fmr,
        value=value,
        low=low,
        high=high,
        threshold=threshold,
        fnmr=false_non_match_rate(mated, threshold),
        false_non_matches=int((mated <= threshold).sum()),
        mated=len(mated),
        false_matches=int((non_mated > threshold).sum()),
        non_mated=len(non_mated),
        unscored=int(np.isnan(pairs[0]).sum()),
        without_score=0,
        remark="; ".join([*_remarks(trials, draws, threshold, fmr), *_break_offs(metrics)]),
        fractions=metrics[0].fractions,
        curve=metrics[0].curve,
    )


@dataclass(frozen=True)
class _Metric:
    """A value, the threshold on the full set, and the curve that the value comes from, if there is one."""

    value: float
    threshold: float
    fractions: tuple[float, ...] = ()
    curve: tuple[float, ...] = ()


def _metric(trials: Trials, quality: Floats, pairs: Floats, convention: Convention, fmr: float) -> _Metric:
    known = bool(np.isfinite(quality).any())
    if convention.measure == "rce":
        value = rank_consistency(trials, quality, fmr, convention.gamma)
        return _Metric(value if known else math.nan, threshold_at_fmr(trials.scores[~trials.mated], fmr))
    edc = error_versus_discard(trials.scores, trials.mated, pairs, convention, fmr)
    curve = (tuple(edc.fractions.tolist()), tuple(edc.fnmr.tolist())) if known else ((), ())
    return _Metric(edc.area if known else math.nan, edc.threshold, *curve)


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


def _break_offs(metrics: Sequence[_Metric]) -> Iterator[str]:
    """Say where the first curve that breaks off does so."""
    for metric in metrics:
        undefined = np.flatnonzero(np.isnan(metric.curve))
        if len(undefined) and undefined[0]:
            share = metric.fractions[undefined[0]]
            yield f"no rate is defined from a discarded share of {share:g} on: mated or non-mated trials have run out"
            return
