"""The backbones `transface_vit_s` and `transface_vit_b`."""

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_transface.network import LAYERS, TransFace


def transface_vit_s(weights: str | None = None) -> Backbone:
    """Build TransFace-S (12 blocks of 512 values per token, 512-d), RGB.

    Args:
        weights: published file, a plain state dict; random without one.
    """
    return _backbone(TransFace(512, 12), weights)


def transface_vit_b(weights: str | None = None) -> Backbone:
    """Build TransFace-B (24 blocks of 512 values per token, 512-d), RGB; arguments as for `transface_vit_s`."""
    return _backbone(TransFace(512, 24), weights)


def _backbone(network: TransFace, weights: str | None) -> Backbone:
    return Backbone.with_weights(network, Preprocessing(), weights, licence="none stated", candidate_layers=LAYERS)
