"""CR-FIQA (Boutros et al., CVPR 2023): iresnet with a head that was trained to tell quality."""

from torch import Tensor, nn

from froq_insightface.iresnet import DIMENSIONS, IResNet
from froq_lightning.backbones.spec import Backbone, Preprocessing


class CrFiqa(IResNet):
    """Maps `[B, 3, 112, 112]` crops to (embeddings `[B, 512]`, not normalised, qualities `[B, 1]`)."""

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.qs = nn.Linear(DIMENSIONS, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Embed preprocessed crops and tell their quality, higher is better."""
        embeddings = super().forward(x)
        return embeddings, self.qs(embeddings)


def crfiqa_iresnet50(weights: str | None = None) -> Backbone:
    """Build CR-FIQA(S), on iresnet50, RGB.

    Args:
        weights: plain state dict; random without one.
    """
    return _backbone(50, weights)


def crfiqa_iresnet100(weights: str | None = None) -> Backbone:
    """Build CR-FIQA(L), on iresnet100, RGB; weights as for `crfiqa_iresnet50`."""
    return _backbone(100, weights)


def _backbone(depth: int, weights: str | None) -> Backbone:
    return Backbone.with_weights(
        CrFiqa(depth),
        Preprocessing(),
        weights,
        licence="CC BY-NC 4.0",
        quality=lambda output: output[1].squeeze(1),
    )
