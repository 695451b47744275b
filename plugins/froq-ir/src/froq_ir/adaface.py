"""AdaFace (Kim et al., CVPR 2022): an improved ResNet fed with BGR crops, whose embedding's length tells quality."""

import torch
from torch import Tensor

from froq_ir.network import LAYERS, ImprovedResNet
from froq_lightning.backbones.spec import Backbone, Preprocessing


class AdaFace(ImprovedResNet):
    """Maps `[B, 3, 112, 112]` BGR crops to (embeddings `[B, 512]` of length 1, their lengths before `[B, 1]`)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Embed preprocessed crops."""
        embeddings = super().forward(x)
        lengths = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True)
        return embeddings / lengths, lengths


def adaface_ir18(weights: str | None = None, prefix: str = "model.") -> Backbone:
    """Build AdaFace IR-18.

    Args:
        weights: `.ckpt` with the state dict under `state_dict`; random without one.
        prefix: of the network's keys in it; keys without it, such as the head's, are left out.
    """
    return _backbone(AdaFace(18), weights, prefix)


def adaface_ir34(weights: str | None = None, prefix: str = "model.") -> Backbone:
    """Build AdaFace IR-34; arguments as for `adaface_ir18`."""
    return _backbone(AdaFace(34), weights, prefix)


def adaface_ir50(weights: str | None = None, prefix: str = "model.") -> Backbone:
    """Build AdaFace IR-50; arguments as for `adaface_ir18`."""
    return _backbone(AdaFace(50), weights, prefix)


def adaface_ir101(weights: str | None = None, prefix: str = "model.") -> Backbone:
    """Build AdaFace IR-101; arguments as for `adaface_ir18`."""
    return _backbone(AdaFace(101), weights, prefix)


def adaface_ir_se50(weights: str | None = None, prefix: str = "model.") -> Backbone:
    """Build AdaFace IR-SE-50; arguments as for `adaface_ir18`."""
    return _backbone(AdaFace(50, gated=True), weights, prefix)


def _backbone(network: AdaFace, weights: str | None, prefix: str) -> Backbone:
    return Backbone.with_weights(
        network,
        Preprocessing(channel_order="BGR"),
        weights,
        prefix=prefix,
        licence="research",
        candidate_layers=LAYERS,
        quality=lambda output: output[1].squeeze(1),
    )
