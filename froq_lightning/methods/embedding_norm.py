"""The length of the embedding before it is normalised: the idea of MagFace (CVPR 2021), on any network."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError

# Lengths that differ from 1 by no more are those of normalised embeddings, in half precision too.
UNIT = 1e-4


@dataclass(frozen=True)
class EmbeddingNorm:
    """Scores images by the L2 norm of their embedding."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float32, from 0, higher is better."""
        inputs = backbone.inputs(images)
        with torch.no_grad():
            return self.score_pass(backbone, inputs, backbone.run(inputs))

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score preprocessed inputs from the network's output for them: `[B]` float32, from 0.

        Raises:
            BackboneError: if the network gives embeddings of length 1.
        """
        del inputs
        norms = torch.linalg.vector_norm(backbone.embed(output), dim=1, dtype=torch.float32)
        if bool(((norms - 1).abs() <= UNIT).all()):
            other = "network_quality, which this network declares," if backbone.quality else "another method"
            raise BackboneError(
                f"{type(backbone.network).__name__} normalises its embeddings, whose lengths are all 1; choose {other} "
                "instead"
            )
        return norms

    def parameters(self) -> dict[str, Any]:
        """The parameters that the scores depend on: none."""
        return {}
