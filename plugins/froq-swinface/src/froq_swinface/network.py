"""SwinFace (Qin et al., IEEE TCSVT 2024): a Swin Transformer that recognises faces and describes them."""

from torch import Tensor, nn

from froq_swinface.fam import FeatureAttention
from froq_swinface.heads import Outputs, TaskSpecificSubnets
from froq_swinface.swin import Swin
from froq_swinface.tasks import RECOGNITION


class SwinFace(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to the embedding "Recognition", `[B, 512]`, and to 42 attributes.

    Args:
        attributes: whether it has the parts `fam`, `tss` and `om`, which tell the attributes.
    """

    def __init__(self, *, attributes: bool = True) -> None:
        super().__init__()
        self.attributes = attributes
        self.backbone = Swin()
        if attributes:
            self.fam = FeatureAttention()
            self.tss = TaskSpecificSubnets()
            self.om = Outputs()

    def layers(self) -> tuple[str, ...]:
        """Names of the modules that return a tensor: not the four parts, the lists in them and the unused head."""
        silent = {"", "backbone.head", *dict(self.named_children())}
        return tuple(
            name
            for name, module in self.named_modules()
            if name not in silent and not isinstance(module, nn.ModuleList)
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Embed preprocessed crops; the embedding is not normalised."""
        embedding, stages = self.backbone(x)
        output = {RECOGNITION: embedding}
        return output | self.om(self.tss(self.fam(stages))) if self.attributes else output
