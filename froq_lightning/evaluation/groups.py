"""Whether a quality threshold treats groups of people alike: rates and quality by group, and their differences."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from froq_lightning.errors import DataError
from froq_lightning.evaluation.bootstrap import subject_interval
from froq_lightning.evaluation.bounds import CONFIDENCE, Rate, percent
from froq_lightning.evaluation.comparisons import Floats, Integers, Trials, pair_quality
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.discarding import Discarding, OperatingPoint
from froq_lightning.evaluation.edc import ErrorVersusDiscardCurve, curve_at
from froq_lightning.evaluation.thresholds import Targets, ThresholdResult, quality_thresholds

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SAMPLES = 200


@dataclass(frozen=True)
class GroupResult:
    """A group of people at the comparison threshold and the quality threshold of everybody.

    Args:
        name: of the group.
        images: number of images (or templates) in trials.
        subjects: number of them.
        quality: 5 %, 25 %, 50 %, 75 % and 95 % quantiles of the quality.
        median: ends of the 95 % interval of the median, by subject; NaN with one subject.
        before: all images of the group.
        after: those that the quality threshold retains; None without a threshold.
        curve: error-versus-discard curve of the group's mated trials.
        area: ends of the 95 % interval of the curve's area, by subject; NaN with one subject.
        thresholds: what the targets would take for this group alone; None where it lacks a kind of trials.
        remark: what is not known, and why.
    """

    name: str
    images: int
    subjects: int
    quality: tuple[float, ...]
    median: tuple[float, float]
    before: OperatingPoint
    after: OperatingPoint | None
    curve: ErrorVersusDiscardCurve
    area: tuple[float, float]
    thresholds: ThresholdResult | None
    remark: str = ""


@dataclass(frozen=True)
class GroupComparison:
    """All groups of a column.

    Args:
        column: that names the groups.
        threshold: quality below which images are discarded; None if there is none.
        groups: in the order of their names.
        differences: the largest differences, in sentences that say whether they are beyond chance.
    """

    column: str
    threshold: float | None
    groups: tuple[GroupResult, ...]
    differences: tuple[str, ...]


def compare_groups(
    column: str,
    labels: Sequence[str],
    trials: Trials,
    quality: Floats,
    result: ThresholdResult,
    targets: Targets,
    convention: Convention,
) -> GroupComparison:
    """Compare groups of people at one comparison threshold and one quality threshold.

    A trial is a group's if both of its sides are. The quality threshold is that of the first target for which one is
    certain, else for which one is estimated.

    Args:
        column: that names the groups.
        labels: `[U]`, the group of every image (or template); empty where it is not known.
        trials: those with a NaN score are left out.
        quality: `[U]`, higher is better, NaN where it is missing.
        result: for everybody.
        targets: that a group alone would have to reach.
        convention: of the curves, with a fixed threshold.

    Raises:
        DataError: if no image has a group.
    """
    usable = trials.scored()
    names = sorted({label for label in labels if label})
    if not names:
        raise DataError(f"no image of the trials has a group in column {column!r}")
    threshold = chosen_threshold(result)
    numbers = {name: number for number, name in enumerate(names)}
    group = np.array([numbers.get(label, -1) for label in labels])
    of_trials = np.where(group[usable.first] == group[usable.second], group[usable.first], -1)
    views = {
        name: Discarding(usable.take(of_trials == number), quality, result.threshold)
        for number, name in enumerate(names)
        if (of_trials == number).any()
    }
    groups = [_group(name, view, threshold, targets, convention) for name, view in views.items()]
    return GroupComparison(column, threshold, tuple(groups), tuple(_differences(views, threshold)))


def chosen_threshold(result: ThresholdResult) -> float | None:
    """Return the quality threshold of the first target for which one is certain, else of the first estimated one."""
    points = [decision.point for decision in result.decisions] + [decision.estimate for decision in result.decisions]
    return next((point.quality for point in points if point is not None and math.isfinite(point.quality)), None)


def _group(
    name: str, view: Discarding, threshold: float | None, targets: Targets, convention: Convention
) -> GroupResult:
    quality = view.quality[view.images]
    known = quality[np.isfinite(quality)]
    quantiles = np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), math.nan)
    subjects = len(np.unique(view.trials.subjects[view.images]))
    curve = _curve(view, view.trials, convention)
    median, area = (math.nan, math.nan), (math.nan, math.nan)
    if subjects > 1:
        median = _median_interval(quality, view.trials.subjects[view.images])
        area = subject_interval(
            view.trials, lambda positions: _curve(view, view.trials.take(positions), convention).area, SAMPLES, 0
        )
    thresholds, remark = None, "one subject: nothing is known of others" if subjects == 1 else ""
    try:
        thresholds = quality_thresholds(view.trials, view.quality, view.threshold, targets)
    except DataError as error:
        remark = "; ".join(filter(None, [remark, str(error)]))
    return GroupResult(
        name=name,
        images=len(view.images),
        subjects=subjects,
        quality=tuple(quantiles.tolist()),
        median=median,
        before=view.at(-math.inf),
        after=None if threshold is None else view.at(threshold),
        curve=curve,
        area=area,
        thresholds=thresholds,
        remark=remark,
    )


def _curve(view: Discarding, trials: Trials, convention: Convention) -> ErrorVersusDiscardCurve:
    mated = trials.take(trials.mated)
    pairs = pair_quality(view.quality, mated.first, mated.second)
    return curve_at(mated.scores, pairs, view.threshold, convention)


def _median_interval(quality: Floats, subject: Integers) -> tuple[float, float]:
    """95 % percentile interval of the median under the bootstrap by subject."""
    names, number = np.unique(subject, return_inverse=True)
    order = np.argsort(quality)
    generator, medians = np.random.default_rng(0), []
    for _ in range(SAMPLES):
        drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
        cumulative = np.cumsum(drawn[number[order]])
        medians.append(quality[order[np.searchsorted(cumulative, cumulative[-1] / 2)]])
    low, high = np.quantile(medians, [0.025, 0.975], method="nearest")
    return float(low), float(high)


def _differences(views: Mapping[str, Discarding], threshold: float | None) -> Iterator[str]:
    """Say between which groups a rate differs most, and whether that is more than chance."""
    views = {name: view for name, view in views.items() if len(np.unique(view.trials.subjects[view.images])) > 1}
    if len(views) < 2:
        yield "Expected two groups of two subjects or more: nothing to compare"
        return
    # Bonferroni: all bounds of all groups hold together.
    confidence = 1 - (1 - CONFIDENCE) / (2 * len(views))

    def rates(measure: Callable[[Discarding], Rate]) -> dict[str, Rate]:
        return {name: measure(view) for name, view in views.items()}

    yield from _largest("FNMR before discarding", rates(lambda view: view.fnmr(-math.inf, confidence=confidence)))
    if threshold is not None:
        at = f"at quality {threshold:.4g}"
        yield from _largest(
            f"share of images discarded {at}", rates(lambda view: view.discarded(threshold, confidence))
        )
        yield from _largest(f"FNMR {at}", rates(lambda view: view.fnmr(threshold, confidence=confidence)))


def _largest(what: str, rates: Mapping[str, Rate]) -> Iterator[str]:
    known = {name: rate for name, rate in rates.items() if rate.trials}
    if len(known) < 2:
        return
    low, high = (extreme(known, key=lambda name: known[name].value) for extreme in (min, max))
    apart = any(a.high < b.low or b.high < a.low for a, b in combinations(known.values(), 2))
    verdict = "beyond chance" if apart else "may be chance"
    yield (
        f"{what}: {percent(known[high].value)} of {high!r} against {percent(known[low].value)} of {low!r}, the largest "
        f"difference of {len(known)} groups; {verdict} at 95 % confidence"
    )
