"""What scoring will take: before a run, every method is tried on a few images of noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.quality_method import QualityMethod, SharedPassMethod
from froq_lightning.methods.scoring import TIMED_BATCHES, BatchScores, MethodScorer, ScoringCosts

# Images of a trial: one, or the most of these that take no longer than that.
SIZES, MAX_SECONDS = (4, 32), 1.0
RUNS = TIMED_BATCHES


@dataclass(frozen=True)
class PlannedMethod:
    """What a method will take.

    Args:
        name: that it goes by.
        milliseconds: per image, on top of the pass that gives the embeddings; NaN if it cannot work.
        passes: the same in bare forward passes.
        refusal: why it cannot work on the network; empty if it can.
    """

    name: str
    milliseconds: float
    passes: float
    refusal: str = ""


@dataclass(frozen=True)
class Plan:
    """What a network and the methods on it will take.

    Args:
        pass_milliseconds: per image, of the forward pass that gives the embeddings.
        methods: in their order.
    """

    pass_milliseconds: float
    methods: tuple[PlannedMethod, ...]

    @property
    def milliseconds(self) -> float:
        """Per image, of all together."""
        times = [method.milliseconds for method in self.methods if not method.refusal]
        return self.pass_milliseconds + sum(times)


def plan(scorer: MethodScorer, batch_size: int) -> Plan:
    """Try every method of a scorer, at that batch size or a smaller one; each scores one image twice at least."""
    backbone = scorer.backbone
    bare = _costs(backbone, {}, batch_size).pass_milliseconds
    return Plan(bare, tuple(_planned(backbone, name, each, batch_size) for name, each in scorer.methods.items()))


def _planned(backbone: Backbone, name: str, method: QualityMethod, batch_size: int) -> PlannedMethod:
    costs = _costs(backbone, {name: method}, batch_size)
    if name in costs.refusals:
        return PlannedMethod(name, math.nan, math.nan, costs.refusals[name])
    shared = costs.pass_milliseconds if isinstance(method, SharedPassMethod) else 0.0
    more = max(0.0, costs.milliseconds[name] - shared)
    return PlannedMethod(name, more, more / costs.pass_milliseconds)


def _costs(backbone: Backbone, methods: Mapping[str, QualityMethod], batch_size: int) -> ScoringCosts:
    """Try one image, then as many as take a second at most."""
    images, (costs, seconds) = 1, _trial(MethodScorer(backbone, methods), 1)
    for size in sorted({min(size, batch_size) for size in SIZES} - {1}):
        if seconds * size / images < MAX_SECONDS:
            images, (costs, seconds) = size, _trial(MethodScorer(backbone, methods), size)
    return costs


def _trial(scorer: MethodScorer, images: int) -> tuple[ScoringCosts, float]:
    """Score noise several times; the first time warms up and does not count. Return the costs and the last seconds."""
    generator = torch.Generator().manual_seed(0)
    size = (images, 3, *scorer.backbone.preprocessing.size)
    noise = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8).to(scorer.backbone.device)
    batches: list[BatchScores] = []
    seconds = 0.0
    while len(batches) < 2 or (len(batches) < RUNS and seconds < MAX_SECONDS):
        start = perf_counter()
        batches.append(scorer.score(noise))
        seconds = perf_counter() - start
    return ScoringCosts.of((batch.milliseconds, batch.refusals) for batch in batches), seconds
