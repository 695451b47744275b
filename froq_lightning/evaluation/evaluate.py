"""The metrics of many methods on one data set."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.bootstrap import subject_intervals
from froq_lightning.evaluation.comparisons import Floats, Integers, Trials, pair_quality
from froq_lightning.evaluation.convention import PRESETS, Convention, create_convention
from froq_lightning.evaluation.edc import ErrorVersusDiscardCurve, error_versus_discard
from froq_lightning.evaluation.error_rates import (
    false_non_match_rate,
    require_fmr,
    threshold_at_fmr,
)
from froq_lightning.evaluation.groups import compare_groups
from froq_lightning.evaluation.oracles import PERFECT, SUBJECT_MEAN, perfect_quality, subject_mean_quality
from froq_lightning.evaluation.outcome import CURVE_POINTS, MethodThresholds, Result
from froq_lightning.evaluation.rce import rank_consistency
from froq_lightning.evaluation.remarks import break_offs, remarks
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
    scored = trials.scored()
    for method, values in qualities.items():
        draws = list(values.reshape(len(values), -1).T)
        quality = _Quality(method, draws, [pair_quality(draw, scored.first, scored.second) for draw in draws])
        for convention in options.created_conventions():
            yield from _results(name, len(trials.scores), scored, quality, convention, options)


def evaluate_oracles(
    name: str, trials: Trials, embeddings: npt.NDArray[np.float32], options: MetricOptions
) -> Iterator[Result]:
    """Compute the metrics of the oracles on one data set, in the conventions that have a curve.

    The perfect one is defined at a fixed threshold only.

    Args:
        name: of the data set.
        trials: its comparison trials; those with a NaN score are left out and counted.
        embeddings: `[U, D]` of what is compared.
        options: which metrics to compute.
    """
    scored = trials.scored()
    to_mean, ranks = subject_mean_quality(embeddings, trials.subjects), perfect_quality(scored)
    oracles = (
        _Quality(PERFECT, [ranks], [ranks]),
        _Quality(SUBJECT_MEAN, [to_mean], [pair_quality(to_mean, scored.first, scored.second)]),
    )
    for oracle in oracles:
        for convention in options.created_conventions():
            if convention.measure == "edc" and (oracle.method != PERFECT or convention.threshold == "fixed"):
                yield from _results(name, len(trials.scores), scored, oracle, convention, options)


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
    scored = trials.scored()
    if scored.mated.all() or not scored.mated.any():
        return
    non_mated = scored.scores[~scored.mated]
    conventions = [each for each in options.created_conventions() if each.measure == "edc"]
    convention = next((each for each in conventions if each.threshold == "fixed"), PRESETS["froq"])
    images = scored.units()
    qualities = {method: each for method, each in qualities.items() if np.isfinite(each[images]).any()}
    first = next(iter(qualities), "")
    for method, quality in qualities.items():
        for fmr in options.fmr:
            result = quality_thresholds(scored, quality, threshold_at_fmr(non_mated, fmr), options.targets)
            compared = None
            if groups and method == first:
                compared = compare_groups(*groups, trials, quality, result, options.targets, convention)
            yield MethodThresholds(name, method, fmr, method in percentiles, result, compared)


@dataclass(frozen=True)
class _Quality:
    """Quality scores that are evaluated.

    Args:
        method: name.
        draws: `[U]` of the images for each draw; for an oracle that knows only trials, those of the trials.
        pairs: `[P]` of the trials for each draw.
    """

    method: str
    draws: Sequence[Floats]
    pairs: Sequence[Floats]


def _results(
    name: str, count: int, trials: Trials, quality: _Quality, convention: Convention, options: MetricOptions
) -> Iterator[Result]:
    """Yield the results at every FMR, given how many trials there are, also those without a score."""
    for fmr in options.fmr:
        metrics = [_metric(trials, *both, convention, fmr) for both in zip(quality.draws, quality.pairs, strict=True)]
        threshold, curves = metrics[0].threshold, [metric.curve for metric in metrics if metric.curve]
        wrong = trials.scores <= threshold
        result = Result(
            data_set=name,
            method=quality.method,
            convention=convention.name,
            fmr=fmr,
            value=float(np.mean([metric.value for metric in metrics])),
            low=math.nan,
            high=math.nan,
            threshold=threshold,
            fnmr=false_non_match_rate(trials.scores[trials.mated], threshold),
            false_non_matches=int(np.count_nonzero(wrong & trials.mated)),
            mated=int(np.count_nonzero(trials.mated)),
            false_matches=int(np.count_nonzero((trials.scores > threshold) & ~trials.mated)),
            non_mated=int(np.count_nonzero(~trials.mated)),
            unscored=int(np.isnan(quality.pairs[0]).sum()),
            without_score=count - len(trials.scores),
            remark="; ".join([*remarks(trials, quality.draws, threshold, fmr), *break_offs(curves)]),
        )
        yield _with_intervals(_with_curve(result, metrics[0].curve), trials, quality, convention, options)


def _with_curve(result: Result, curve: ErrorVersusDiscardCurve | None) -> Result:
    if curve is None:
        return result
    count = len(curve.fractions)
    places = np.unique(np.linspace(0, count - 1, min(count, CURVE_POINTS)).round().astype(int))
    fractions, fnmr = tuple(curve.fractions[places].tolist()), tuple(curve.fnmr[places].tolist())
    return replace(result, fractions=fractions, curve=fnmr)


def _with_intervals(
    result: Result, trials: Trials, quality: _Quality, convention: Convention, options: MetricOptions
) -> Result:
    if not options.bootstrap or not math.isfinite(result.value):
        return result
    fractions = np.array(result.fractions)

    def resampled(positions: Integers) -> Floats:
        sample, both = trials.take(positions), zip(quality.draws, quality.pairs, strict=True)
        metrics = [_metric(sample, draw, pairs[positions], convention, result.fmr) for draw, pairs in both]
        curve = metrics[0].curve
        value = float(np.mean([metric.value for metric in metrics]))
        return np.append(value, () if curve is None else curve.at(fractions))

    low, high = (ends.tolist() for ends in subject_intervals(trials, resampled, options.bootstrap, options.seed))
    return replace(result, low=low[0], high=high[0], curve_low=tuple(low[1:]), curve_high=tuple(high[1:]))


@dataclass(frozen=True)
class _Metric:
    """A value, the threshold on the full set, and the curve that the value comes from, if there is one."""

    value: float
    threshold: float
    curve: ErrorVersusDiscardCurve | None = None


def _metric(trials: Trials, quality: Floats, pairs: Floats, convention: Convention, fmr: float) -> _Metric:
    known = bool(np.isfinite(quality).any())
    if convention.measure == "rce":
        value = rank_consistency(trials, quality, fmr, convention.gamma)
        return _Metric(value if known else math.nan, threshold_at_fmr(trials.scores[~trials.mated], fmr))
    curve = error_versus_discard(trials.scores, trials.mated, pairs, convention, fmr)
    return _Metric(curve.area, curve.threshold, curve) if known else _Metric(math.nan, curve.threshold)
