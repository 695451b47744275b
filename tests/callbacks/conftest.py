"""An evaluation of two methods that foretell errors well and badly, and one that cannot work."""

import dataclasses
import math

import numpy as np
import pytest
from lightning.pytorch import Trainer

from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts
from froq_lightning.module import FroqModule


@pytest.fixture(scope="module")
def module() -> FroqModule:
    return FroqModule("timm", {"architecture": "test_resnet", "num_classes": 8})


@pytest.fixture
def trainer() -> Trainer:
    return Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)


def drawn_set(name: str, seed: int) -> EvaluatedSet:
    """100 images of 20 subjects; the worse an image, the less it resembles the others of its subject."""
    generator = np.random.default_rng(seed)
    quality, subjects = generator.random(100), np.repeat(np.arange(20), 5)
    first = generator.integers(100, size=600)
    within = first // 5 * 5 + (first + generator.integers(1, 5, size=600)) % 5
    mated = np.arange(600) < 200
    second = np.where(mated, within, (first + generator.integers(5, 95, size=600)) % 100)
    mated = subjects[first] == subjects[second]
    scores = np.where(mated, 0.2 + np.minimum(quality[first], quality[second]), 0.0) + generator.normal(0, 0.15, 600)
    qualities = {"good": quality, "bad": -quality}
    return EvaluatedSet(name, "", Trials(scores, mated, first, second, subjects), 100, {}, qualities, qualities)


@pytest.fixture
def evaluation() -> Evaluation:
    """Two data sets, one with an image that failed, in every convention at two FMRs."""
    options = MetricOptions(fmr=(0.05, 0.001))
    second = drawn_set("beta", 2)
    scores, missing = second.trials.scores.copy(), second.qualities["good"].copy()
    scores[:3], missing[7] = np.nan, np.nan
    second = dataclasses.replace(
        second,
        trials=dataclasses.replace(second.trials, scores=scores),
        left_out={"broken.jpg": "file is empty"},
        unit_qualities={"good": missing, "bad": second.qualities["bad"]},
    )
    sets = (drawn_set("alpha", 1), second)
    return Evaluation(
        backbone="network",
        pass_milliseconds=4.0,
        methods=(
            MethodFacts("good", {"rate": 0.5, "threshold": math.inf}, 8.0),
            MethodFacts("bad", {"scores": "from a file"}),
            MethodFacts("refused", {}, refusal="needs dropout"),
        ),
        sets=sets,
        conventions=options.created_conventions(),
        fmr=options.fmr,
        results=tuple(
            result
            for data_set in sets
            for result in evaluate(data_set.name, data_set.trials, data_set.unit_qualities, options)
        ),
    )
