"""The Python door: an Observer and its network as one callable."""

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.module import FroqModule
from froq_lightning.runs.quality_batch import QualityBatch, score_batch


class QualityScorer:
    """Scores face crops: `scorer(images)`. Threads may share it and its network; their passes take turns.

    Args:
        backbone: the network.
        observer: made for it.
    """

    def __init__(self, backbone: Backbone, observer: Observer) -> None:
        self.backbone = backbone
        self.observer = observer
        self._method = FroqQuality(observer)

    @classmethod
    def from_observer(cls, path: str | Path, weights: str | None = None, device: str = "cpu", **options: Any) -> Self:
        """Build the network that an Observer file names, and check that it is the one.

        Args:
            path: of the Observer file.
            weights: of the network, if its backbone does not bring them.
            device: to run on, such as "cuda".
            options: of the backbone, on top of those in the file.

        Raises:
            ObserverError: if the network differs from the one that was calibrated; the text says how.
        """
        made = Observer.load(path).backbone
        options = {**made.options, **options} | ({} if weights is None else {"weights": weights})
        module = FroqModule(made.name, options, observer=str(path))
        module.network.to(device)
        set_memory_format(module.backbone, torch.device(device))
        return cls(module.backbone, module.read_observer())

    def __call__(self, images: Tensor, *, embeddings: bool = False) -> QualityBatch:
        """Score face crops in one pass, which ends behind the deepest observed layer unless embeddings are wanted.

        Args:
            images: `[B, 3, H, W]` RGB crops, uint8 or floating point in 0..1, of the size that the backbone wants.
            embeddings: whether to give the embeddings of the same pass too.

        Raises:
            ImageError: if the images are of another shape or type, or have values that are not finite or not in 0..1.
            BackboneError: if an observed layer mixes the images of a batch.
        """
        self.backbone.preprocessing.require(images)
        with torch.no_grad():
            return score_batch(self._method, self.backbone, images.to(self.backbone.device), embeddings=embeddings)
