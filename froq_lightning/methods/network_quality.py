"""The quality that a network gives itself: CR-FIQA's head, the length of MagFace's and AdaFace's embedding."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import ForwardPassMethod


@dataclass(frozen=True)
class NetworkQuality(ForwardPassMethod):
    """Scores images by the quality that their backbone declares."""

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score preprocessed inputs from the network's output for them: `[B]` float32, unbounded, higher is better.

        Raises:
            BackboneError: if the backbone declares no quality, or one that is no number per image.
        """
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
