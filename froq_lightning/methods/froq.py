"""FROQ (IJCB 2025): quality from the layer norms that an Observer names, in one forward pass."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.observation.norms import LayerNorms


@dataclass(frozen=True)
class FroqQuality:
    """Scores images by an Observer. From the second batch on, a pass ends after the deepest of the observed layers."""

    observer: Observer
    _norms: dict[nn.Module, LayerNorms] = field(default_factory=dict, init=False, repr=False, compare=False)

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float64, unbounded, higher is better."""
        with self._observing(backbone.network) as norms:
            return self.observer.scores(norms.observe(backbone.preprocessing(images)).norms)

    def parameters(self) -> dict[str, Any]:
        """What tells the Observer from others, as JSON values: how it was selected, and which layers it names."""
        return {
            "preset": self.observer.preset,
            "aggregation": self.observer.aggregation,
            "layers": self._layers(),
            "set_utility": self.observer.set_utility,
        }

    def _observing(self, network: nn.Module) -> LayerNorms:
        if network not in self._norms:
            self._norms[network] = LayerNorms(network, self._layers(), stop_early=True)
        return self._norms[network]

    def _layers(self) -> list[str]:
        return [layer.name for layer in self.observer.layers]
