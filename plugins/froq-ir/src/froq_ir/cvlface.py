"""CVLface's improved ResNets: AdaFace's network, fed with RGB crops, its output not normalised."""

from froq_ir.network import LAYERS, ImprovedResNet
from froq_lightning.backbones.spec import Backbone, Preprocessing


def cvlface_ir18(weights: str | None = None, prefix: str = "net.") -> Backbone:
    """Build CVLface's IR-18.

    Args:
        weights: `.safetensors` or checkpoint; random without one.
        prefix: of the network's keys in it; keys without it are left out.
    """
    return _backbone(18, weights, prefix)


def cvlface_ir50(weights: str | None = None, prefix: str = "net.") -> Backbone:
    """Build CVLface's IR-50; arguments as for `cvlface_ir18`."""
    return _backbone(50, weights, prefix)


def cvlface_ir101(weights: str | None = None, prefix: str = "net.") -> Backbone:
    """Build CVLface's IR-101; arguments as for `cvlface_ir18`."""
    return _backbone(101, weights, prefix)


def _backbone(depth: int, weights: str | None, prefix: str) -> Backbone:
    return Backbone.with_weights(
        ImprovedResNet(depth), Preprocessing(), weights, prefix=prefix, licence="MIT", candidate_layers=LAYERS
    )
