"""Several methods on the same images: one forward pass serves all that read it, and each is timed."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, fields
from functools import partial
from importlib import metadata
from statistics import median
from time import perf_counter
from typing import Any, Self, TypeVar

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import ForwardPassMethod, QualityMethod, ScoresOf, SharedPassMethod

Result = TypeVar("Result")
# Batches on which the passes of methods that look at layers are timed one by one: they share the pass of the others.
TIMED_BATCHES = 4
# The name of the bare forward pass among times; no method has it.
BARE = ""


@dataclass(frozen=True)
class BatchScores:
    """The embeddings of a batch, and its scores by every method.

    Args:
        embeddings: `[B, D]` float32.
        qualities: `[B, M]` float64, higher is better; NaN for a method that cannot work on the network, and where one
            gives no finite score.
        milliseconds: per image, of each method that was timed, with the forward pass that it needs, and of the `BARE`
            pass.
        refusals: why a method cannot work on the network, by name.
    """

    embeddings: Tensor
    qualities: Tensor
    milliseconds: dict[str, float]
    refusals: dict[str, str]


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

    @classmethod
    def of(cls, batches: Iterable[tuple[Mapping[str, float], Mapping[str, str]]]) -> Self:
        """Sum up the `milliseconds` and `refusals` of batches, in their order."""
        refusals: dict[str, str] = {}
        times: dict[str, list[float]] = {}
        for milliseconds, refused in batches:
            refusals |= refused
            for name, time in milliseconds.items():
                times.setdefault(name, []).append(time)
        bare = _typical(times.pop(BARE, []))
        return cls(refusals, {name: _typical(each) for name, each in times.items() if name not in refusals}, bare)


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
        self._batches = 0

    def score(self, images: Tensor) -> BatchScores:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1)."""
        inputs = self.backbone.inputs(images)
        watches = self._watches(inputs)
        (output, scores_of), seconds = _timed(partial(shared_pass, self.backbone, inputs, watches.values()), inputs)
        seconds_of_passes = self._pass_seconds(inputs, watches, seconds)
        of_pass = dict(zip(watches, scores_of, strict=True))
        qualities = images.new_full((len(images), len(self.methods)), torch.nan, dtype=torch.float64)
        seconds_of = {name: each for name, each in seconds_of_passes.items() if name == BARE}
        for column, (name, method) in enumerate(self.methods.items()):
            if name not in self._refusals:
                score = (
                    partial(of_pass[name], output) if name in of_pass else partial(method.score, self.backbone, images)
                )
                seconds = self._fill(qualities[:, column], name, score)
                if name not in of_pass:
                    seconds_of[name] = seconds
                elif name in seconds_of_passes:
                    seconds_of[name] = seconds + seconds_of_passes[name]
        self._batches += 1
        milliseconds = {name: 1000 * seconds / len(images) for name, seconds in seconds_of.items()}
        return BatchScores(self.backbone.embed(output).float(), qualities, milliseconds, dict(self._refusals))

    def identity(self) -> dict[str, Any]:
        """Say, as JSON values, what the scores depend on besides the network."""
        return {name: {**_origin(each), **_options(each)} for name, each in self.methods.items()}

    def _watches(self, inputs: Tensor) -> dict[str, AbstractContextManager[ScoresOf]]:
        """Have every method that reads the pass get ready for it."""
        watches = {}
        for name, method in self.methods.items():
            if isinstance(method, SharedPassMethod) and name not in self._refusals:
                try:
                    watches[name] = method.watch(self.backbone, inputs)
                except BackboneError as error:
                    self._refusals[name] = str(error)
        return watches

    def _pass_seconds(self, inputs: Tensor, watches: Collection[str], shared: float) -> dict[str, float]:
        """Tell what the pass of each method that reads it takes; of those that look at layers, on the first batches."""
        looking = {
            name: method
            for name, method in self.methods.items()
            if name in watches and isinstance(method, SharedPassMethod) and not isinstance(method, ForwardPassMethod)
        }
        if looking and self._batches >= TIMED_BATCHES:
            return {}
        bare = self._seconds_of_pass(inputs) if looking else shared
        alone = {name: self._seconds_of_pass(inputs, method) for name, method in looking.items()}
        return {BARE: bare, **dict.fromkeys(watches, bare), **alone}

    def _seconds_of_pass(self, inputs: Tensor, *methods: SharedPassMethod) -> float:
        watches = [method.watch(self.backbone, inputs) for method in methods]
        return _timed(partial(shared_pass, self.backbone, inputs, watches), inputs)[1]

    def _fill(self, out: Tensor, name: str, score: Callable[[], Tensor]) -> float:
        """Put the scores of a method there, and return how many seconds that took."""
        try:
            scores, seconds = _timed(score, out)
        except BackboneError as error:
            self._refusals[name] = str(error)
            return math.nan
        out.copy_(scores.where(scores.isfinite(), torch.nan))
        return seconds


def _origin(method: QualityMethod) -> dict[str, Any]:
    """Name the class of a method, and the distributions that it may come from, with their versions."""
    package = type(method).__module__.partition(".")[0]
    distributions = sorted(set(metadata.packages_distributions().get(package, ())))
    return {
        "class": f"{type(method).__module__}.{type(method).__qualname__}",
        "version": {name: metadata.version(name) for name in distributions},
    }


def _options(method: QualityMethod) -> dict[str, Any]:
    observers = {
        field.name: value.sha256()
        for field in fields(method)
        if isinstance(value := getattr(method, field.name), Observer)
    }
    return {**method.parameters(), "micro_batch": getattr(method, "micro_batch", None), **observers}


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


def _typical(times: list[float]) -> float:
    """Median; NaN of none. The first batch warms caches, and counts only if it is the only one."""
    return median(times[1:] or times) if times else math.nan


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
