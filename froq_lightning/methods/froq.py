"""FROQ (IJCB 2025): quality from the layer norms that an Observer names, in one forward pass."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.observation.norms import LayerNorms


@dataclass(frozen=True)
class FroqQuality:
    """Scores images by an Observer."""

    observer: Observer

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float64, unbounded, higher is better."""
        with LayerNorms(backbone.network, self._layers()) as norms:
            return self.observer.scores(norms.observe(backbone.preprocessing(images)).norms)

    def parameters(self) -> dict[str, Any]:
        """What tells the Observer from others, as JSON values: how it was selected, and which layers it names."""
        return {
            "preset": self.observer.preset,
            "aggregation": self.observer.aggregation,
            "layers": self._layers(),
            "set_utility": self.observer.set_utility,
        }

    def _layers(self) -> list[str]:
        return [layer.name for layer in self.observer.layers]
