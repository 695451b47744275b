"""Several methods on the same images: one forward pass serves all that read it, and each is timed."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import ForwardPassMethod, QualityMethod, ScoresOf, SharedPassMethod

Result = TypeVar("Result")
# Batches on which the passes of methods that look at layers are timed one by one: they share the pass of the others.
TIMED_BATCHES = 4


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
        self._watched_times: dict[str, list[float]] = {name: [] for name in methods}
        self._times: dict[str, list[float]] = {name: [] for name in methods}

    def score(self, images: Tensor) -> BatchScores:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1)."""
        inputs = self.backbone.inputs(images)
        watches = self._watches(inputs)
        (output, scores_of), seconds = _timed(partial(shared_pass, self.backbone, inputs, watches.values()), inputs)
        self._note_pass_times(inputs, seconds)
        of_pass = dict(zip(watches, scores_of, strict=True))
        qualities = images.new_full((len(images), len(self.methods)), torch.nan, dtype=torch.float64)
        for column, (name, method) in enumerate(self.methods.items()):
            if name in of_pass:
                self._fill(qualities[:, column], name, partial(of_pass[name], output))
            elif name not in self._refusals:
                self._fill(qualities[:, column], name, partial(method.score, self.backbone, images))
        return BatchScores(self.backbone.embed(output).float(), qualities)

    def costs(self) -> ScoringCosts:
        """Return the times of the batches so far, and which methods cannot work."""
        bare = _typical(self._pass_times)
        times = {
            name: _typical(times) + (self._pass_time(name) if isinstance(self.methods[name], SharedPassMethod) else 0)
            for name, times in self._times.items()
            if times
        }
        return ScoringCosts(dict(self._refusals), times, bare)

    def _watches(self, inputs: Tensor) -> dict[str, AbstractContextManager[ScoresOf]]:
        """Have every method that reads the pass get ready for it."""
        watches = {}
        for name, method in self.methods.items():
            if isinstance(method, SharedPassMethod) and name not in self._refusals:
                try:
                    watches[name] = method.watch(self.backbone, inputs)
                except BackboneError as error:
                    self._refuse(name, error)
        return watches

    def _note_pass_times(self, inputs: Tensor, shared: float) -> None:
        """Time the bare pass, and on the first batches a pass for each method that looks at layers."""
        looking = {
            name: method
            for name, method in self.methods.items()
            if isinstance(method, SharedPassMethod) and not isinstance(method, ForwardPassMethod)
        }
        if not looking:
            self._pass_times.append(shared / len(inputs))
        elif len(self._pass_times) < TIMED_BATCHES:
            ways = {"": [], **{name: [method] for name, method in looking.items() if name not in self._refusals}}
            for name, watching in ways.items():
                watches = [method.watch(self.backbone, inputs) for method in watching]
                _, seconds = _timed(partial(shared_pass, self.backbone, inputs, watches), inputs)
                (self._watched_times[name] if name else self._pass_times).append(seconds / len(inputs))

    def _pass_time(self, name: str) -> float:
        """Time of a pass that the method reads, in milliseconds."""
        return _typical(self._watched_times[name] or self._pass_times)

    def _fill(self, out: Tensor, name: str, score: Callable[[], Tensor]) -> None:
        try:
            scores, seconds = _timed(score, out)
        except BackboneError as error:
            self._refuse(name, error)
            return
        out.copy_(scores.where(scores.isfinite(), torch.nan))
        self._times[name].append(seconds / len(out))

    def _refuse(self, name: str, error: BackboneError) -> None:
        self._refusals[name] = str(error)
        self._times[name].clear()


def shared_pass(
    backbone: Backbone, inputs: Tensor, watches: Iterable[AbstractContextManager[ScoresOf]]
) -> tuple[Any, list[ScoresOf]]:
    """Run one pass of `[B, 3, H, W]` preprocessed inputs that all of these look at, without gradients.

    Returns:
        The network's output, and what scores the images from it, for each of them.
    """
    with torch.no_grad(), ExitStack() as stack:
        scores_of = [stack.enter_context(watch) for watch in watches]
        return backbone.run(inputs), scores_of


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
