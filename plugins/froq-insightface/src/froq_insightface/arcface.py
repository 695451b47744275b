"""iresnet as trained with ArcFace, CosFace and partial-fc: RGB crops, (x / 255 - 0.5) / 0.5."""

from froq_insightface.iresnet import IResNet
from froq_lightning.backbones.spec import Backbone, Preprocessing


def arcface_iresnet18(weights: str | None = None) -> Backbone:
    """Build iresnet18.

    Args:
        weights: `backbone.pth` or `model.pt`, a plain state dict, or a checkpoint with one under
            `state_dict_backbone`; random without one.
    """
    return _backbone(18, weights)


def arcface_iresnet34(weights: str | None = None) -> Backbone:
    """Build iresnet34; weights as for `arcface_iresnet18`."""
    return _backbone(34, weights)


def arcface_iresnet50(weights: str | None = None) -> Backbone:
    """Build iresnet50; weights as for `arcface_iresnet18`."""
    return _backbone(50, weights)


def arcface_iresnet100(weights: str | None = None) -> Backbone:
    """Build iresnet100; weights as for `arcface_iresnet18`."""
    return _backbone(100, weights)


def arcface_iresnet200(weights: str | None = None) -> Backbone:
    """Build iresnet200; weights as for `arcface_iresnet18`."""
    return _backbone(200, weights)


def _backbone(depth: int, weights: str | None) -> Backbone:
    return Backbone.with_weights(IResNet(depth), Preprocessing(), weights, licence="non-commercial research")
