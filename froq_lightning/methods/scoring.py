"""Several methods on the same images: one forward pass serves all that start from it, and each is timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import ForwardPassMethod, QualityMethod

Result = TypeVar("Result")


@dataclass(frozen=True)
class BatchScores:
    """The embeddings of a batch, and its scores by every method.

    Args:
        embeddings: `[B, D]` float32.
        qualities: `[B, M]` float64, higher is better; NaN for a method that cannot work on the network, and where one
            gives no finite score.
    """

    embeddings: Tensor
    qualities: Tensor


@dataclass(frozen=True)
class ScoringCosts:
    """What the methods took.

    Args:
        refusals: why a method cannot work on the network, by name.
        milliseconds: median time per image of the others, each with the forward pass that it needs.
        pass_milliseconds: median time per image of the bare forward pass; NaN before the first batch.
    """

    refusals: dict[str, str]
    milliseconds: dict[str, float]
    pass_milliseconds: float


class MethodScorer:
    """Scores batches by every method.

    Args:
        backbone: the network.
        methods: by the name that they go by.
    """

    def __init__(self, backbone: Backbone, methods: Mapping[str, QualityMethod]) -> None:
        self.backbone = backbone
        self.methods = dict(methods)
        self._refusals: dict[str, str] = {}
        self._pass_times: list[float] = []
        self._times: dict[str, list[float]] = {name: [] for name in methods}

    def score(self, images: Tensor) -> BatchScores:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1)."""
        inputs = self.backbone.inputs(images)
        with torch.no_grad():
            output, seconds = _timed(lambda: self.backbone.run(inputs), inputs)
        self._pass_times.append(seconds / len(images))
        qualities = images.new_full((len(images), len(self.methods)), torch.nan, dtype=torch.float64)
        for column, name in enumerate(self.methods):
            if name not in self._refusals:
                self._fill(qualities[:, column], name, images, inputs, output)
        return BatchScores(self.backbone.embed(output).float(), qualities)

    def costs(self) -> ScoringCosts:
        """Return the times of the batches so far, and which methods cannot work."""
        times = {name: _typical(times) for name, times in self._times.items() if times}
        return ScoringCosts(dict(self._refusals), times, _typical(self._pass_times))

    def _fill(self, out: Tensor, name: str, images: Tensor, inputs: Tensor, output: Any) -> None:
        method = self.methods[name]
        try:
            scores, seconds = _timed(lambda: score_images(method, self.backbone, images, inputs, output), inputs)
        except BackboneError as error:
            self._refusals[name] = str(error)
            self._times[name].clear()
            return
        out.copy_(scores.where(scores.isfinite(), torch.nan))
        shared = self._pass_times[-1] if isinstance(method, ForwardPassMethod) else 0.0
        self._times[name].append(shared + seconds / len(images))


def score_images(method: QualityMethod, backbone: Backbone, images: Tensor, inputs: Tensor, output: Any) -> Tensor:
    """Score images by a method: `[B]`; from their pass, which was run already, if the method can start from it."""
    if isinstance(method, ForwardPassMethod):
        return method.score_pass(backbone, inputs, output)
    return method.score(backbone, images)


def _typical(seconds: list[float]) -> float:
    """Median in milliseconds; NaN of none. The first batch warms caches, and counts only if it is the only one."""
    return 1000 * median(seconds[1:] or seconds) if seconds else float("nan")


def _timed(work: Callable[[], Result], inputs: Tensor) -> tuple[Result, float]:
    """Run some work, and return how many seconds it took, on a GPU too."""
    _wait(inputs)
    start = perf_counter()
    done = work()
    _wait(inputs)
    return done, perf_counter() - start


def _wait(inputs: Tensor) -> None:
    if inputs.is_cuda:
        torch.cuda.synchronize(inputs.device)
