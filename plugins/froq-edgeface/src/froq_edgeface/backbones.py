"""The backbones `edgeface_xxs`, `edgeface_xs`, `edgeface_s` and `edgeface_base`."""

from torch import nn

from froq_edgeface.network import EdgeFace
from froq_lightning.backbones.spec import Backbone, Preprocessing

# Published files carry the wrapper's name; plain EdgeNeXt checkpoints do not.
PREFIXES = {"model.": "model.", "": "model."}


def edgeface_xxs(weights: str | None = None, gamma: float | None = None) -> Backbone:
    """Build EdgeFace-XXS, RGB.

    Args:
        weights: state dict, with the prefix "model." or without; random without one.
        gamma: ranks of the linear layers as shares of the full ones; None for full linear layers.
    """
    return _backbone("edgenext_xx_small", weights, gamma)


def edgeface_xs(weights: str | None = None, gamma: float | None = 0.6) -> Backbone:
    """Build EdgeFace-XS, RGB; arguments as for `edgeface_xxs`."""
    return _backbone("edgenext_x_small", weights, gamma)


def edgeface_s(weights: str | None = None, gamma: float | None = 0.5) -> Backbone:
    """Build EdgeFace-S, RGB; arguments as for `edgeface_xxs`."""
    return _backbone("edgenext_small", weights, gamma)


def edgeface_base(weights: str | None = None, gamma: float | None = None) -> Backbone:
    """Build EdgeFace-Base, RGB; arguments as for `edgeface_xxs`."""
    return _backbone("edgenext_base", weights, gamma)


def _backbone(architecture: str, weights: str | None, gamma: float | None) -> Backbone:
    network = EdgeFace(architecture, gamma)
    firing = (name for name, module in network.named_modules() if name and not isinstance(module, nn.ModuleList))
    return Backbone.with_weights(
        network,
        Preprocessing(),
        weights,
        prefix=PREFIXES,
        licence="CC-BY-NC-SA-4.0",
        candidate_layers=tuple(firing),
    )
