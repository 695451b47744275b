"""The improved ResNet that AdaFace and CVLface share, with squeeze-and-excitation if asked for."""

from functools import partial

from torch import Tensor, nn

from froq_ir.blocks import neck, stages, stem

# All modules that fire; `body` does not, its children do.
LAYERS = ("input_layer*", "body.*", "output_layer*")


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate that all channels' means decide."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1, bias=False)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, channels, h, w]` to the same shape."""
        return x * self.sigmoid(self.fc2(self.relu(self.fc1(self.avg_pool(x)))))


class ImprovedResNet(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to `[B, 512]` embeddings, not normalised.

    Args:
        depth: 18, 34, 50 or 101.
        gated: whether squeeze-and-excitation ends each block.
    """

    def __init__(self, depth: int, *, gated: bool = False) -> None:
        super().__init__()
        self.input_layer = stem()
        self.body = stages(depth, partial(_branch, gated=gated))
        self.output_layer = neck()

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        x = self.input_layer(x)
        for block in self.body:
            x = block(x)
        return self.output_layer(x)


def _branch(inputs: int, outputs: int, stride: int, *, gated: bool) -> nn.Sequential:
    branch = nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
        nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )
    if gated:
        branch.add_module("se_block", SqueezeExcitation(outputs))
    return branch
