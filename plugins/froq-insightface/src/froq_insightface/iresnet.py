"""insightface's iresnet: the residual network of ArcFace, MagFace and CR-FIQA."""

from torch import Tensor, nn

# Blocks in each of the four stages.
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3), 200: (6, 26, 60, 6)}
DIMENSIONS = 512


class Block(nn.Module):
    """Two 3 x 3 filters between normalisations, added to the input or its projection."""

    def __init__(self, inputs: int, outputs: int, stride: int, eps: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs, eps)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs, eps)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs, eps))
            if stride > 1
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, inputs, h, w]` to `[B, outputs, h / stride, w / stride]`."""
        branch = self.conv1(self.bn1(x))
        branch = self.conv2(self.prelu(self.bn2(branch)))
        return self.bn3(branch) + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to `[B, 512]` embeddings, not normalised.

    Args:
        depth: 18, 34, 50, 100 or 200.
        eps: of every batch normalisation.
        dropout: stands before the last linear layer; inert outside training.
    """

    def __init__(self, depth: int, eps: float = 1e-5, dropout: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps)
        self.prelu = nn.PReLU(64)
        first, second, third, fourth = DEPTHS[depth]
        self.layer1 = _stage(64, 64, first, eps)
        self.layer2 = _stage(64, 128, second, eps)
        self.layer3 = _stage(128, 256, third, eps)
        self.layer4 = _stage(256, 512, fourth, eps)
        self.bn2 = nn.BatchNorm2d(512, eps)
        self.dropout = nn.Dropout(0) if dropout is None else dropout
        self.fc = nn.Linear(512 * 7 * 7, DIMENSIONS)
        self.features = nn.BatchNorm1d(DIMENSIONS, eps)

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.dropout(self.bn2(x)).flatten(1)))


def _stage(inputs: int, outputs: int, blocks: int, eps: float) -> nn.Sequential:
    """Return blocks of which the first halves the size."""
    first = Block(inputs, outputs, 2, eps)
    return nn.Sequential(first, *(Block(outputs, outputs, 1, eps) for _ in range(blocks - 1)))
