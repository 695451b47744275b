"""eDifFIQA (Babnik et al., TBIOM 2024): iresnet with a head that was distilled from a diffusion model's quality."""

from torch import Tensor, nn

from froq_insightface.iresnet import DIMENSIONS, IResNet
from froq_lightning.backbones.spec import Backbone, Preprocessing


class Head(nn.Module):
    """Two linear layers with a GELU between; nothing bounds what comes out, which is about 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Linear(DIMENSIONS, 1024)
        self.ac = nn.GELU()
        self.l2 = nn.Linear(1024, 1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Map `[B, 512]` embeddings to `[B, 1]` qualities, higher is better."""
        return self.l2(self.ac(self.l1(embeddings)))


class EDifFiqa(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to (embeddings `[B, 512]`, not normalised, qualities `[B, 1]`)."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.base_model = IResNet(depth)
        self.mlp = Head()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embed preprocessed crops and tell their quality, higher is better."""
        embeddings = self.base_model(x)
        return embeddings, self.mlp(embeddings)


def ediffiqa_s(weights: str | None = None) -> Backbone:
    """Build eDifFIQA(S), on iresnet18, RGB.

    Args:
        weights: plain state dict, such as `ediffiqaS.pth`; random without one.
    """
    return _backbone(18, weights)


def ediffiqa_m(weights: str | None = None) -> Backbone:
    """Build eDifFIQA(M), on iresnet50, RGB; weights as for `ediffiqa_s`."""
    return _backbone(50, weights)


def ediffiqa_l(weights: str | None = None) -> Backbone:
    """Build eDifFIQA(L), on iresnet100, RGB; weights as for `ediffiqa_s`."""
    return _backbone(100, weights)


def _backbone(depth: int, weights: str | None) -> Backbone:
    return Backbone.with_weights(
        EDifFiqa(depth),
        Preprocessing(),
        weights,
        licence="none stated",
        quality=lambda output: output[1].squeeze(1),
    )
