"""MagFace (Meng et al., CVPR 2021): iresnet fed with BGR crops, whose embedding's length tells quality."""

import torch
from torch import Tensor, nn

from froq_insightface.iresnet import IResNet
from froq_lightning.backbones.spec import Backbone, Preprocessing

# All modules that fire: `features.avgpool` does not.
LAYERS = (
    "features",
    "features.conv1",
    "features.bn?",
    "features.prelu",
    "features.layer*",
    "features.dropout",
    "features.f*",
)
# Of the two layouts of parallel training; all else in a file belongs to the head.
PREFIXES = {"features.module.": "features.", "module.features.": "features."}


class MagFace(nn.Module):
    """Maps `[B, 3, 112, 112]` BGR crops in 0..1 to `[B, 512]` embeddings, not normalised."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.features = IResNet(depth, eps=2e-5, dropout=nn.Dropout2d(0.4))
        self.features.avgpool = nn.AdaptiveAvgPool2d(1)  # stands in the published network, and is never used

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        return self.features(x)


def magface_iresnet18(weights: str | None = None) -> Backbone:
    """Build MagFace on iresnet18.

    Args:
        weights: `.pth` with the state dict under `state_dict`; random without one.
    """
    return _backbone(18, weights)


def magface_iresnet50(weights: str | None = None) -> Backbone:
    """Build MagFace on iresnet50; weights as for `magface_iresnet18`."""
    return _backbone(50, weights)


def magface_iresnet100(weights: str | None = None) -> Backbone:
    """Build MagFace on iresnet100; weights as for `magface_iresnet18`."""
    return _backbone(100, weights)


def _backbone(depth: int, weights: str | None) -> Backbone:
    return Backbone.with_weights(
        MagFace(depth),
        Preprocessing(channel_order="BGR", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        weights,
        prefix=PREFIXES,
        licence="Apache-2.0",
        candidate_layers=LAYERS,
        quality=lambda embeddings: torch.linalg.vector_norm(embeddings, dim=1),
    )
