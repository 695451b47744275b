"""The quality that a network gives itself: CR-FIQA's head, the length of MagFace's and AdaFace's embedding."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError


@dataclass(frozen=True)
class NetworkQuality:
    """Scores images by the quality that their backbone declares."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float32, unbounded, higher is better.

        Raises:
            BackboneError: if the backbone declares no quality, or one that is no number per image.
        """
        inputs = backbone.inputs(images)
        with torch.no_grad():
            return self.score_pass(backbone, inputs, backbone.run(inputs))

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score preprocessed inputs from the network's output for them: `[B]` float32; raises as `score` does."""
        if backbone.quality is None:
            raise BackboneError(f"{type(backbone.network).__name__} gives no quality of its own; choose another method")
        with torch.no_grad():
            scores = backbone.quality(output)
        if not isinstance(scores, Tensor) or scores.shape != (len(inputs),):
            shape = list(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise BackboneError(
                f"Expected `quality` to give a [B] tensor, but got {shape} for a batch of {len(inputs)}"
            )
        return scores.float()

    def parameters(self) -> dict[str, Any]:
        """The parameters that the scores depend on: none."""
        return {}
