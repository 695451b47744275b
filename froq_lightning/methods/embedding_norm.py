"""The length of the embedding before it is normalised: the idea of MagFace (CVPR 2021), on any network."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import ForwardPassMethod

# Lengths that differ from 1 by no more are those of normalised embeddings, in half precision too.
UNIT = 1e-4


@dataclass(frozen=True)
class EmbeddingNorm(ForwardPassMethod):
    """Scores images by the L2 norm of their embedding."""

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score preprocessed inputs from the network's output for them: `[B]` float32, from 0, higher is better.

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
