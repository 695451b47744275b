"""ViT-FIQA (Atzori, Boutros, Damer, ICCVW 2025): insightface's ViT-S with a head that was trained to tell quality."""

import torch
from torch import Tensor, nn

from froq_insightface.vit import LAYERS, TOKENS, VisionTransformer
from froq_lightning.backbones.spec import Backbone, Preprocessing

WIDTH, DEPTH = 512, 12


class ViTFiqa(VisionTransformer):
    """Maps `[B, 3, 112, 112]` crops to (embeddings `[B, 512]`, not normalised, qualities `[B, 1]`).

    Args:
        token: whether the quality is read from a token of its own, the first; otherwise from the embedding.
    """

    def __init__(self, *, token: bool) -> None:
        super().__init__(WIDTH, DEPTH)
        self.qs_token: nn.Parameter | None = None
        if token:
            self.qs_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
            self.pos_embed = nn.Parameter(0.02 * torch.randn(1, TOKENS + 1, WIDTH))
        self.head_qs = nn.Sequential(nn.BatchNorm1d(WIDTH, eps=2e-5), nn.Linear(WIDTH, 1, bias=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Embed preprocessed crops and tell their quality, higher is better."""
        patches = self.patch_embed(x)
        if self.qs_token is None:
            embeddings = self.feature(self.encode(patches).flatten(1))
            return embeddings, self.head_qs(embeddings)
        tokens = self.encode(torch.cat([self.qs_token.expand(len(patches), -1, -1), patches], dim=1))
        return self.feature(tokens[:, 1:].flatten(1)), self.head_qs(tokens[:, 0])


def vitfiqa_t(weights: str | None = None) -> Backbone:
    """Build ViT-FIQA(T), whose quality comes from a token of its own, RGB.

    Args:
        weights: plain state dict (`model.pt`); random without one.
    """
    return _backbone(ViTFiqa(token=True), weights)


def vitfiqa_c(weights: str | None = None) -> Backbone:
    """Build ViT-FIQA(C), whose quality comes from the embedding, RGB; weights as for `vitfiqa_t`."""
    return _backbone(ViTFiqa(token=False), weights)


def _backbone(network: ViTFiqa, weights: str | None) -> Backbone:
    return Backbone.with_weights(
        network,
        Preprocessing(),
        weights,
        licence="CC BY-NC 4.0",
        quality=lambda output: output[1].squeeze(1),
        candidate_layers=(*LAYERS, "head_qs*"),
    )
