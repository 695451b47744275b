"""The outcome of an evaluation: metrics, the trials and qualities behind them, and what each method cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.groups import GroupComparison
from froq_lightning.evaluation.thresholds import ThresholdResult

# With fewer errors than this, differences between methods may well be chance (the "rule of 30" of ISO/IEC 19795-1: the
# true error rate then lies within 30 % of the observed one with 90 % confidence).
FEW_ERRORS = 30
# Exact curves have a point for every quality that occurs: millions of them.
CURVE_POINTS = 1001


@dataclass(frozen=True)
class Result:
    """How well a method's quality foretells errors on a data set: one metric, and what is needed to read it.

    Args:
        data_set: name.
        method: name.
        convention: name; `Convention.describe` states it.
        fmr: false match rate of the threshold.
        value: of the metric; NaN where it is not defined.
        low: end of its 95 % confidence interval; NaN without bootstrap.
        high: the other end.
        threshold: comparison score that a match exceeds, on the full set, by the convention.
        fnmr: false non-match rate on the full set at that threshold.
        false_non_matches: mated trials that do not match there: the errors that the metric rests on.
        mated: trials.
        false_matches: non-mated trials that match there: what the threshold rests on.
        non_mated: trials.
        unscored: trials whose quality is missing; they are discarded first.
        without_score: trials left out since an image gave no embedding.
        remark: what a reader should know.
        fractions: of the error-versus-discard curve, if there is one; at most `CURVE_POINTS` of them, spread evenly
            over those of the convention, with both ends.
        curve: its false non-match rates there.
        curve_low: lower end of their 95 % confidence intervals, each at its fraction alone; NaN where the rate is not
            defined, empty without bootstrap.
        curve_high: the other end.
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
    curve_low: tuple[float, ...] = ()
    curve_high: tuple[float, ...] = ()


@dataclass(frozen=True)
class MethodThresholds:
    """Quality thresholds of a method on a data set.

    Args:
        data_set: name.
        method: name.
        fmr: false match rate of the comparison threshold.
        is_percentile: whether the qualities are those in 0..100 of an Observer, or else raw scores.
        result: the thresholds.
        groups: of people, at the first of them; None where no groups are known.
    """

    data_set: str
    method: str
    fmr: float
    is_percentile: bool
    result: ThresholdResult
    groups: GroupComparison | None = None


@dataclass(frozen=True)
class MethodFacts:
    """What is known of a method besides its metrics.

    Args:
        name: in tables.
        parameters: that its scores depend on.
        milliseconds: per image, with the forward passes that it needs; NaN for scores from elsewhere.
        refusal: why it cannot work on the network; empty if it can.
        is_random: whether its scores are drawn at random: the line that others have to beat, and never the best.
    """

    name: str
    parameters: Mapping[str, Any]
    milliseconds: float = float("nan")
    refusal: str = ""
    is_random: bool = False


@dataclass(frozen=True)
class EvaluatedSet:
    """A data set after all images were scored.

    Args:
        name: in tables.
        note: how its trials came about.
        trials: with their comparison scores.
        images: number of images.
        left_out: images that gave no embedding, with reasons.
        qualities: `[N]` of the images by method, higher is better; NaN where it is missing.
        unit_qualities: `[U, K]` of what is compared, the images or templates of them: K draws of a method that works at
            random, one column of any other.
        percentiles: `[U]` of the methods that have an Observer, in 0..100; NaN where it is missing.
    """

    name: str
    note: str
    trials: Trials
    images: int
    left_out: Mapping[str, str]
    qualities: Mapping[str, Floats]
    unit_qualities: Mapping[str, Floats]
    percentiles: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """The outcome of `froq test`.

    Args:
        backbone: name of the network.
        pass_milliseconds: per image, of its bare forward pass.
        methods: in their order in the tables.
        sets: in their order in the tables.
        conventions: of the metrics.
        fmr: false match rates of the thresholds.
        results: every method that works, on every data set, in every convention, at every FMR.
        notes: on the network and the methods, in sentences.
        thresholds: quality thresholds of every method but random ones, on every data set, at every FMR.
        oracles: results of qualities made from what no quality method knows, by their names (`evaluation.oracles`), in
            the conventions that have a curve.
    """

    backbone: str
    pass_milliseconds: float
    methods: tuple[MethodFacts, ...]
    sets: tuple[EvaluatedSet, ...]
    conventions: tuple[Convention, ...]
    fmr: tuple[float, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    thresholds: tuple[MethodThresholds, ...] = ()
    oracles: tuple[Result, ...] = ()

    def thresholds_of_first(self) -> list[MethodThresholds]:
        """Quality thresholds of the first method, on every data set at every FMR."""
        return [each for each in self.thresholds if each.method == self.thresholds[0].method]

    def working(self) -> list[MethodFacts]:
        """Methods that gave scores."""
        return [method for method in self.methods if not method.refusal]

    def result(self, data_set: str, method: str, convention: str, fmr: float) -> Result:
        """Look a result up."""
        key = (data_set, method, convention, fmr)
        return next(each for each in self.results if (each.data_set, each.method, each.convention, each.fmr) == key)

    def mean(self, method: str, convention: str, fmr: float) -> float:
        """Mean value over the data sets; NaN if it is not defined on one of them."""
        return float(np.mean([self.result(each.name, method, convention, fmr).value for each in self.sets]))

    def mean_interval(self, method: str, convention: str, fmr: float) -> tuple[float, float]:
        """Ends of the mean value's interval, of 95 % confidence at least: those of the data sets, averaged.

        Errors that the data sets do not share would partly cancel out in the mean, and make it narrower.
        """
        results = [self.result(each.name, method, convention, fmr) for each in self.sets]
        return float(np.mean([each.low for each in results])), float(np.mean([each.high for each in results]))
