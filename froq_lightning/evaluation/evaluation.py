"""Everything that an evaluation found: figures, the trials and qualities behind them, and what each method cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.result import Result


@dataclass(frozen=True)
class MethodFacts:
    """What is known of a method besides its figures.

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
    """

    name: str
    note: str
    trials: Trials
    images: int
    left_out: Mapping[str, str]
    qualities: Mapping[str, Floats]
    unit_qualities: Mapping[str, Floats]


@dataclass(frozen=True)
class Evaluation:
    """The outcome of `froq test`.

    Args:
        backbone: name of the network.
        pass_milliseconds: per image, of its bare forward pass.
        methods: in the order they were asked for.
        sets: in the order they were asked for.
        conventions: of the figures.
        fmr: false match rates of the figures.
        results: every method that works, on every data set, in every convention, at every FMR.
        notes: on the network and the methods, in sentences.
    """

    backbone: str
    pass_milliseconds: float
    methods: tuple[MethodFacts, ...]
    sets: tuple[EvaluatedSet, ...]
    conventions: tuple[Convention, ...]
    fmr: tuple[float, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    def working(self) -> list[MethodFacts]:
        """Methods that gave scores."""
        return [method for method in self.methods if not method.refusal]

    def result(self, data_set: str, method: str, convention: str, fmr: float) -> Result:
        """Look a figure up."""
        asked = (data_set, method, convention, fmr)
        return next(one for one in self.results if (one.data_set, one.method, one.convention, one.fmr) == asked)

    def mean(self, method: str, convention: str, fmr: float) -> float:
        """Mean figure over the data sets; NaN if it is not defined on one of them."""
        return float(np.mean([self.result(one.name, method, convention, fmr).value for one in self.sets]))

    def mean_interval(self, method: str, convention: str, fmr: float) -> tuple[float, float]:
        """Ends of the mean figure's interval, of 95 % confidence at least: those of the data sets, averaged.

        Errors that the data sets do not share would partly cancel out in the mean, and make it narrower.
        """
        found = [self.result(one.name, method, convention, fmr) for one in self.sets]
        return float(np.mean([one.low for one in found])), float(np.mean([one.high for one in found]))
