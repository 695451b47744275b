"""What scoring will take: before a run, every method is tried on a few images of noise."""

import math
from dataclasses import dataclass
from time import perf_counter

import torch

from froq_lightning.methods.quality_method import QualityMethod, SharedPassMethod
from froq_lightning.methods.scoring import BatchScores, MethodScorer, ScoringCosts

# Images of a trial, after one image that warms up; where they would take more seconds than these, that one counts.
IMAGES, MAX_SECONDS = 16, 1.0


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
    """Try every method of a scorer, at that batch size or a smaller one; a few seconds each at most."""
    bare = _costs(MethodScorer(scorer.backbone, {}), batch_size).pass_milliseconds
    return Plan(bare, tuple(_planned(scorer, name, method, batch_size) for name, method in scorer.methods.items()))


def _planned(scorer: MethodScorer, name: str, method: QualityMethod, batch_size: int) -> PlannedMethod:
    costs = _costs(MethodScorer(scorer.backbone, {name: method}), batch_size)
    if name in costs.refusals:
        return PlannedMethod(name, math.nan, math.nan, costs.refusals[name])
    shared = costs.pass_milliseconds if isinstance(method, SharedPassMethod) else 0.0
    more = max(0.0, costs.milliseconds[name] - shared)
    return PlannedMethod(name, more, more / costs.pass_milliseconds)


def _costs(scorer: MethodScorer, batch_size: int) -> ScoringCosts:
    images = min(batch_size, IMAGES)
    start = perf_counter()
    batches = [_trial(scorer, 1)]
    if (perf_counter() - start) * images < MAX_SECONDS:
        batches = [_trial(scorer, images) for _ in range(3)]
    return ScoringCosts.of((batch.milliseconds, batch.refusals) for batch in batches)


def _trial(scorer: MethodScorer, images: int) -> BatchScores:
    generator = torch.Generator().manual_seed(0)
    size = (images, 3, *scorer.backbone.preprocessing.size)
    noise = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
    return scorer.score(noise.to(scorer.backbone.device))
