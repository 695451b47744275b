"""TransFace (Dan et al., ICCV 2023): insightface's vision transformer with a gate that weighs its tokens."""

from froq_insightface.vit import LAYERS as VIT_LAYERS
from froq_insightface.vit import TOKENS, VisionTransformer
from torch import Tensor, nn

# Names of the modules that fire.
LAYERS = (*VIT_LAYERS, "senet*")


class TransFace(VisionTransformer):
    """Maps `[B, 3, 112, 112]` crops to embeddings `[B, 512]`, token weights `[B, 144]` and token spread `[B, 144]`.

    Args:
        width: values per token.
        depth: number of blocks.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__(width, depth)
        self.senet = nn.Sequential(
            nn.Linear(TOKENS * width, TOKENS, bias=False),
            nn.ReLU(),
            nn.Linear(TOKENS, TOKENS, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Embed preprocessed crops.

        Returns:
            The embedding, not normalised; the softmax of the gate over the tokens; the standard deviation of the values
            of each gated token.
        """
        tokens = self.tokens(x)
        gate = self.senet(tokens.flatten(1))
        gated = tokens * gate.unsqueeze(2)
        return self.feature(gated.flatten(1)), gate.softmax(dim=1), gated.std(dim=2)
