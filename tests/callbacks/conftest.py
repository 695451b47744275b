"""An evaluation of two methods that foretell errors well and badly, and one that cannot work."""

import dataclasses
import math

import numpy as np
import pytest

from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts


def drawn_set(name: str, seed: int, *, worst_first: bool = True) -> EvaluatedSet:
    """100 images of 20 subjects; the worse an image, the less it resembles the others of its subject."""
    generator = np.random.default_rng(seed)
    quality, subjects = generator.random(100), np.repeat(np.arange(20), 5)
    first = generator.integers(100, size=600)
    within = first // 5 * 5 + (first + generator.integers(1, 5, size=600)) % 5
    mated = np.arange(600) < 200
    second = np.where(mated, within, (first + generator.integers(5, 95, size=600)) % 100)
    mated = subjects[first] == subjects[second]
    resemblance = np.minimum(quality[first], quality[second]) if worst_first else generator.random(600)
    scores = np.where(mated, 0.2 + resemblance, 0.0) + generator.normal(0, 0.15, 600)
    qualities = {"good": quality, "bad": -quality}
    return EvaluatedSet(name, "", Trials(scores, mated, first, second, subjects), 100, {}, qualities, qualities)


def evaluation_of_sets(sets: list[EvaluatedSet], figures: MetricOptions) -> Evaluation:
    """Compute the figures of some sets."""
    return Evaluation(
        backbone="network",
        pass_milliseconds=4.0,
        methods=(
            MethodFacts("good", {"rate": 0.5, "threshold": math.inf}, 8.0),
            MethodFacts("bad", {"scores": "from a file"}),
            MethodFacts("refused", {}, refusal="needs dropout"),
        ),
        sets=tuple(sets),
        conventions=figures.created_conventions(),
        fmr=figures.fmr,
        results=tuple(result for one in sets for result in evaluate(one.name, one.trials, one.unit_qualities, figures)),
    )


@pytest.fixture
def evaluation() -> Evaluation:
    """Two data sets, one with an image that failed, in every convention at two FMRs."""
    second = drawn_set("beta", 2)
    scores, missing = second.trials.scores.copy(), second.qualities["good"].copy()
    scores[:3], missing[7] = np.nan, np.nan
    second = dataclasses.replace(
        second,
        trials=dataclasses.replace(second.trials, scores=scores),
        left_out={"broken.jpg": "file is empty"},
        unit_qualities={"good": missing, "bad": second.qualities["bad"]},
    )
    return evaluation_of_sets([drawn_set("alpha", 1), second], MetricOptions(fmr=(0.05, 0.001)))
