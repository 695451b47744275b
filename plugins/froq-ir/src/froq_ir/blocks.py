"""What the improved ResNets share: the stem, the stages, the shortcut, and the layers that end in the embedding."""

from collections.abc import Callable

from torch import Tensor, nn

# Blocks in each of the four stages.
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 101: (3, 13, 30, 3)}
WIDTHS = (64, 128, 256, 512)
DIMENSIONS = 512


class Residual(nn.Module):
    """A branch added to its input, which is subsampled, and widened by a convolution where the branch is wider.

    Args:
        inputs: channels of the input.
        outputs: channels of the branch.
        stride: of the branch.
        branch: layers that map `[B, inputs, h, w]` to `[B, outputs, h / stride, w / stride]`.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, branch: nn.Sequential) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = (
            nn.MaxPool2d(1, stride)
            if inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )
        self.res_layer = branch

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, inputs, h, w]` to `[B, outputs, h / stride, w / stride]`."""
        return self.res_layer(x) + self.shortcut_layer(x)


Branch = Callable[[int, int, int], nn.Sequential]


def stem() -> nn.Sequential:
    """Return the first convolution: `[B, 3, 112, 112]` to `[B, 64, 112, 112]`."""
    return nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))


def stages(depth: int, branch: Branch) -> nn.Sequential:
    """Return the residual blocks, `[B, 64, 112, 112]` to `[B, 512, 7, 7]`; the first of each stage halves the size."""
    blocks = []
    inputs = WIDTHS[0]
    for outputs, count in zip(WIDTHS, DEPTHS[depth], strict=True):
        for index in range(count):
            stride = 2 if index == 0 else 1
            blocks.append(Residual(inputs, outputs, stride, branch(inputs, outputs, stride)))
            inputs = outputs
    return nn.Sequential(*blocks)


def neck() -> nn.Sequential:
    """Return the layers from the last map `[B, 512, 7, 7]` to the embedding `[B, 512]`, not normalised."""
    return nn.Sequential(
        nn.BatchNorm2d(512),
        nn.Dropout(0.4),
        nn.Flatten(),
        nn.Linear(512 * 7 * 7, DIMENSIONS),
        nn.BatchNorm1d(DIMENSIONS, affine=False),
    )
