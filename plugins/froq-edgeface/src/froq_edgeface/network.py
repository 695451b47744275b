"""EdgeFace (George et al., IEEE T-BIOM 2024): timm's EdgeNeXt with low-rank linear layers."""

import timm
from torch import Tensor, nn

DIMENSIONS = 512


class LowRankLinear(nn.Module):
    """A linear layer as the product of two thin ones.

    Args:
        full: the layer that it stands for.
        gamma: rank, as a share of the full layer's.
    """

    def __init__(self, full: nn.Linear, gamma: float) -> None:
        super().__init__()
        rank = max(2, int(min(full.in_features, full.out_features) * gamma))
        self.linear1 = nn.Linear(full.in_features, rank, bias=False)
        self.linear2 = nn.Linear(rank, full.out_features, bias=full.bias is not None)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[..., in]` to `[..., out]`."""
        return self.linear2(self.linear1(x))


class EdgeFace(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to `[B, 512]` embeddings, not normalised.

    Args:
        architecture: of timm.
        gamma: ranks of the linear layers as shares of the full ones; None for full linear layers.
    """

    def __init__(self, architecture: str, gamma: float | None = None) -> None:
        super().__init__()
        self.model = timm.create_model(architecture, num_classes=DIMENSIONS)
        if gamma is not None:
            _thin(self.model, gamma)

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        return self.model(x)


def _thin(module: nn.Module, gamma: float) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, LowRankLinear(child, gamma))
        else:
            _thin(child, gamma)
