"""CurricularFace (Huang et al., CVPR 2020): an improved ResNet whose blocks have one normalisation less."""

from torch import Tensor, nn

from froq_ir.blocks import neck, stages, stem
from froq_lightning.backbones.spec import Backbone, Preprocessing


class CurricularFace(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to (embeddings `[B, 512]`, not normalised, the last map `[B, 25088]`)."""

    def __init__(self, depth: int = 101) -> None:
        super().__init__()
        self.input_layer = stem()
        self.body = stages(depth, _branch)
        self.output_layer = neck()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embed preprocessed crops."""
        last = self.body(self.input_layer(x))
        return self.output_layer(last), last.flatten(1)


def _branch(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
        nn.PReLU(outputs),
        nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )


def curricularface_ir50(weights: str | None = None) -> Backbone:
    """Build CurricularFace IR-50, RGB; arguments as for `curricularface_ir101`."""
    return Backbone.with_weights(CurricularFace(50), Preprocessing(), weights, licence="MIT")


def curricularface_ir101(weights: str | None = None) -> Backbone:
    """Build CurricularFace IR-101, RGB.

    Args:
        weights: plain state dict; random without one.
    """
    return Backbone.with_weights(CurricularFace(), Preprocessing(), weights, licence="MIT")
