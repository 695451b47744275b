"""The backbones `insightface_vit_t`, `insightface_vit_s` and `insightface_vit_b`."""

from froq_insightface.vit import LAYERS, VisionTransformer
from froq_lightning.backbones.spec import Backbone, Preprocessing


def insightface_vit_t(weights: str | None = None, prefix: str = "") -> Backbone:
    """Build ViT-T (12 blocks of 256 values per token, 512-d), RGB.

    Args:
        weights: `model.pt`, a plain state dict, or a checkpoint with one under `state_dict_backbone`; random without.
        prefix: of the keys in the file, such as "net." in files from the hub.
    """
    return _backbone(VisionTransformer(256, 12), weights, prefix)


def insightface_vit_s(weights: str | None = None, prefix: str = "") -> Backbone:
    """Build ViT-S (12 blocks of 512 values per token, 512-d), RGB; arguments as for `insightface_vit_t`."""
    return _backbone(VisionTransformer(512, 12), weights, prefix)


def insightface_vit_b(weights: str | None = None, prefix: str = "") -> Backbone:
    """Build ViT-B (24 blocks of 512 values per token, 512-d), RGB; arguments as for `insightface_vit_t`."""
    return _backbone(VisionTransformer(512, 24), weights, prefix)


def _backbone(network: VisionTransformer, weights: str | None, prefix: str) -> Backbone:
    licence = "non-commercial research"
    return Backbone.with_weights(
        network, Preprocessing(), weights, prefix=prefix, licence=licence, candidate_layers=LAYERS
    )
