"""The quality of images in general, which is not what face recognition needs: the gap between both can be measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import QualityMethod
from froq_pyiqa.metrics import Metric, load_metric, quiet, require_metric


@dataclass(frozen=True)
class PyiqaQuality(QualityMethod):
    """Scores images by a no-reference metric of pyiqa, which sees the crop as it is and no network for recognition.

    Images are scored one by one, and always with the same random numbers, since some metrics cut patches at random.
    Of metrics of which lower is better, the negative counts.

    Args:
        metric: its name in pyiqa. The default needs no weights; those of most others are fetched once, when the method
            is made.
    """

    metric: str = "piqe"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_metric(self.metric)
        _ = self._metric  # what is missing is said before any image is read

    def parameters(self) -> dict[str, Any]:
        """The metric, and the version of pyiqa."""
        return {**super().parameters(), "pyiqa": metadata.version("pyiqa")}

    @cached_property
    def _metric(self) -> Metric:
        with _same_chance(torch.device("cpu")):
            return load_metric(self.metric)

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float64 in the metric's range, higher is better.

        An image for which the metric has no score, such as one of a single colour, gets NaN.

        Raises:
            BackboneError: if the metric cannot score any image of that size.
        """
        backbone.preprocessing.require(images)
        # What was made in inference mode may not be written to outside of it; dividing and clamping make new tensors.
        with torch.inference_mode(mode=False), torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            levels = images / 255 if images.dtype == torch.uint8 else images.float().clamp(0, 1)
            scores = torch.cat([self._score(image) for image in levels.split(1)])
        return -scores if self._metric.lower_better else scores

    def _score(self, image: Tensor) -> Tensor:
        try:
            return self._run(image)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a metric raises
            self._require_size(image, error)
            return torch.full((1,), torch.nan, dtype=torch.float64, device=image.device)

    def _require_size(self, image: Tensor, error: Exception) -> None:
        """Raise if the metric fails on noise too, so that not this image is to blame, but the size of all."""
        noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0)).to(image)
        try:
            self._run(noise)
        except Exception:  # that of the image is told
            height, width = image.shape[-2:]
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise BackboneError(
                f"pyiqa's metric {self.metric} cannot score images of {height} x {width} pixels: {reason}; choose "
                "another metric"
            ) from error

    def _run(self, image: Tensor) -> Tensor:
        """Score a `[1, 3, H, W]` image in 0..1: `[1]` float64, as pyiqa does."""
        with _same_chance(image.device), quiet():
            output = self._metric.network.to(image.device)(image)
        if not isinstance(output, Tensor) or output.numel() != 1:
            raise BackboneError(f"pyiqa's metric {self.metric} gives no single number for an image")
        return output.detach().double().reshape(1)


@contextmanager
def _same_chance(device: torch.device) -> Iterator[None]:
    """Draw the same random numbers whenever the block is run, and leave those of others as they are."""
    state = np.random.get_state()  # noqa: NPY002 - pyiqa draws from the global generator
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
