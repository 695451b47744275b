"""Several methods on the same images: the embeddings are computed once, and every method's time is taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import PassReader, QualityMethod

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class PanelScores:
    """What the methods say of a batch.

    Args:
        embeddings: `[B, D]` float32.
        qualities: `[B, M]` float64, higher is better; NaN for a method that cannot work on the network, and where one
            gives no finite score.
    """

    embeddings: Tensor
    qualities: Tensor


class MethodPanel:
    """Scores batches by every method.

    Args:
        backbone: the network.
        methods: by the name that they go by.

    Attributes:
        refusals: why a method cannot work on this network, by name.
    """

    def __init__(self, backbone: Backbone, methods: Mapping[str, QualityMethod]) -> None:
        self.backbone = backbone
        self.methods = dict(methods)
        self.refusals: dict[str, str] = {}
        self._pass_times: list[float] = []
        self._times: dict[str, list[float]] = {name: [] for name in methods}

    def score(self, images: Tensor) -> PanelScores:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1)."""
        inputs = self.backbone.inputs(images)
        with torch.no_grad():
            output, passed = _timed(lambda: self.backbone.run(inputs), inputs)
        self._pass_times.append(passed / len(images))
        qualities = images.new_full((len(images), len(self.methods)), torch.nan, dtype=torch.float64)
        for column, name in enumerate(self.methods):
            if name not in self.refusals:
                self._fill(qualities[:, column], name, images, inputs, output)
        return PanelScores(self.backbone.embed(output).float(), qualities)

    def milliseconds(self) -> dict[str, float]:
        """Median time per image of the methods that work, each with the forward pass that it needs."""
        return {name: _typical(times) for name, times in self._times.items() if times}

    def pass_milliseconds(self) -> float:
        """Median time per image of the bare forward pass; NaN before the first batch."""
        return _typical(self._pass_times) if self._pass_times else float("nan")

    def _fill(self, out: Tensor, name: str, images: Tensor, inputs: Tensor, output: Any) -> None:
        method = self.methods[name]
        try:
            scores, taken = _timed(lambda: score_images(method, self.backbone, images, inputs, output), inputs)
        except BackboneError as error:
            self.refusals[name] = str(error)
            self._times[name].clear()
            return
        out.copy_(scores.where(scores.isfinite(), torch.nan))
        passed = self._pass_times[-1] if isinstance(method, PassReader) else 0.0
        self._times[name].append(passed + taken / len(images))


def score_images(method: QualityMethod, backbone: Backbone, images: Tensor, inputs: Tensor, output: Any) -> Tensor:
    """Score images by a method, from the pass that was run anyway if the method can start from it: `[B]`."""
    if isinstance(method, PassReader):
        return method.score_pass(backbone, inputs, output)
    return method.score(backbone, images)


def _typical(seconds: list[float]) -> float:
    """Median in milliseconds; the first batch, which warms caches, counts only if it is the only one."""
    return 1000 * median(seconds[1:] or seconds)


def _timed(work: Callable[[], Outcome], inputs: Tensor) -> tuple[Outcome, float]:
    """Run some work and tell how many seconds it took, on a GPU too."""
    _wait(inputs)
    start = perf_counter()
    done = work()
    _wait(inputs)
    return done, perf_counter() - start


def _wait(inputs: Tensor) -> None:
    if inputs.is_cuda:
        torch.cuda.synchronize(inputs.device)
