"""dlib's face-recognition network, a ResNet of 29 convolutions, with every step as a module of its own."""

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

# Width of each residual block. The first block of each width beyond the stem's 32 halves the resolution, and so does
# the last block of all.
WIDTHS = (32,) * 3 + (64,) * 4 + (128,) * 3 + (256,) * 4
DOWN = (3, 7, 10, 13)


class Affine(nn.Module):
    """Scale and shift of each channel: what is left of a batch normalisation after training."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to the same shape."""
        return torch.addcmul(self.shift.view(-1, 1, 1), x, self.scale.view(-1, 1, 1))


class PaddedSum(nn.Module):
    """Sum of two feature maps; each is padded with zeros at the end to the larger size of each dimension."""

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        """Add `[B, C1, H1, W1]` and `[B, C2, H2, W2]` to `[B, max C, max H, max W]`."""
        if branch.shape == shortcut.shape:
            return branch + shortcut
        channels, height, width = (max(sizes) for sizes in zip(branch.shape[1:], shortcut.shape[1:], strict=True))
        return _padded(branch, channels, height, width) + _padded(shortcut, channels, height, width)


def _padded(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    return functional.pad(x, (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1]))


class Block(nn.Module):
    """Residual block; a "down" block halves the resolution and has an average pool as its shortcut."""

    def __init__(self, in_channels: int, channels: int, *, down: bool) -> None:
        super().__init__()
        # dlib pads a convolution only where its stride is 1.
        stride, padding = (2, 0) if down else (1, 1)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding)
        self.affine1 = Affine(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.affine2 = Affine(channels)
        # A plain block has no module here: an identity would be one more layer to observe that repeats its input.
        self.shortcut = nn.AvgPool2d(2, 2) if down else None
        self.add = PaddedSum()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, in_channels, H, W]` to `[B, max(in_channels, channels), H', W']`."""
        branch = self.relu1(self.affine1(self.conv1(x)))
        branch = self.affine2(self.conv2(branch))
        output: Tensor = self.relu2(self.add(branch, x if self.shortcut is None else self.shortcut(x)))
        return output


class DlibResNet29(nn.Module):
    """Maps `[B, 3, 150, 150]` face chips to dlib's 128-dimensional descriptor, `[B, 128]`, not normalised."""

    def __init__(self) -> None:
        super().__init__()
        stem = [("conv", nn.Conv2d(3, 32, 7, 2)), ("affine", Affine(32)), ("relu", nn.ReLU()), ("pool", _max_pool())]
        self.stem = nn.Sequential(OrderedDict(stem))
        self.blocks = nn.Sequential(*_blocks())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(256, 128, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the descriptors of normalised RGB chips."""
        descriptor: Tensor = self.fc(self.pool(self.blocks(self.stem(x))).flatten(1))
        return descriptor


def _max_pool() -> nn.Module:
    return nn.MaxPool2d(3, 2)


def _blocks() -> Iterator[Block]:
    in_channels = 32
    for index, channels in enumerate(WIDTHS):
        yield Block(in_channels, channels, down=index in DOWN)
        in_channels = channels
