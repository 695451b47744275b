"""How little the embedding moves when the image is mirrored: the flip term of FROQ's pseudo-quality, on its own."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError
from froq_lightning.methods.perturbation import PerturbationQuality


@dataclass(frozen=True)
class FlipQuality:
    """Cosine similarity between the embeddings of an image and of its mirror image; 2 passes.

    Args:
        micro_batch: images per forward pass.
    """

    micro_batch: int = 32

    def __post_init__(self) -> None:
        if self.micro_batch < 1:
            raise ConfigurationError(f"Expected `micro_batch` to be at least 1, but got {self.micro_batch}")

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float32 in -1..1, higher is better."""
        return self._term().score(backbone, images)

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score `[B, 3, H, W]` preprocessed inputs from the network's output for them: `[B]` float32 in -1..1."""
        return self._term().score_pass(backbone, inputs, output)

    def parameters(self) -> dict[str, Any]:
        """The parameters that the scores depend on: none."""
        return {}

    def _term(self) -> PerturbationQuality:
        return PerturbationQuality(noise=0, occlusion=0, micro_batch=self.micro_batch)
