"""How little the embedding moves when the image is mirrored: the flip term of FROQ's pseudo-quality, on its own."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.quality_method import ForwardPassMethod


@dataclass(frozen=True)
class FlipQuality(ForwardPassMethod):
    """Cosine similarity between the embeddings of an image and of its mirror image; 2 passes.

    Args:
        micro_batch: images per forward pass.
    """

    micro_batch: int = 32

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score `[B, 3, H, W]` preprocessed inputs from the network's output for them: `[B]` float32 in -1..1."""
        flip = PerturbationQuality(noise=0, occlusion=0, micro_batch=self.micro_batch)
        return flip.score_pass(backbone, inputs, output)
