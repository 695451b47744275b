"""Inception-ResNet v1 (Szegedy et al., AAAI 2017) in facenet's variant with a 512-d embedding."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

Size = int | tuple[int, int]
EPS = 1e-3


class BasicConv2d(nn.Module):
    """Convolution, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, EPS)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, inputs, h, w]` to `[B, outputs, h', w']`."""
        return self.relu(self.bn(self.conv(x)))


class Branches(nn.Module):
    """Branches over the same input, called `branch0`, `branch1` and so on; their maps are joined by channel."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)

    def join(self, x: Tensor) -> Tensor:
        """Map `[B, C, h, w]` to the joined maps of all branches."""
        return torch.cat([branch(x) for name, branch in self.named_children() if name.startswith("branch")], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, h, w]` to the joined maps of all branches."""
        return self.join(x)


class Residual(Branches):
    """Joined branches, projected, scaled and added to their input; a ReLU ends all but the last block."""

    def __init__(self, channels: int, joined: int, scale: float, *branches: nn.Module, last: bool = False) -> None:
        super().__init__(*branches)
        self.scale = scale
        self.conv2d = nn.Conv2d(joined, channels, 1)
        self.relu = None if last else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, channels, h, w]` to the same shape."""
        x = x + self.scale * self.conv2d(self.join(x))
        return x if self.relu is None else self.relu(x)


class InceptionResnetV1(nn.Module):
    """Maps `[B, 3, 160, 160]` crops to `[B, 512]` embeddings of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = BasicConv2d(3, 32, 3, 2)
        self.conv2d_2a = BasicConv2d(32, 32, 3)
        self.conv2d_2b = BasicConv2d(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = BasicConv2d(64, 80, 1)
        self.conv2d_4a = BasicConv2d(80, 192, 3)
        self.conv2d_4b = BasicConv2d(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = Branches(
            BasicConv2d(256, 384, 3, 2),
            nn.Sequential(BasicConv2d(256, 192, 1), BasicConv2d(192, 192, 3, padding=1), BasicConv2d(192, 256, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        self.mixed_7a = Branches(
            nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 384, 3, 2)),
            nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 256, 3, 2)),
            nn.Sequential(BasicConv2d(896, 256, 1), BasicConv2d(256, 256, 3, padding=1), BasicConv2d(256, 256, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_3 = nn.Sequential(*(_block8(0.2) for _ in range(5)))
        self.block8 = _block8(1.0, last=True)
        self.avgpool_1a = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.6)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        x = self.maxpool_3a(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.repeat_2(self.mixed_6a(self.repeat_1(x)))
        x = self.block8(self.repeat_3(self.mixed_7a(x)))
        x = self.dropout(self.avgpool_1a(x)).flatten(1)
        return normalize(self.last_bn(self.last_linear(x)))


def _block35() -> Residual:
    return Residual(
        256,
        96,
        0.17,
        BasicConv2d(256, 32, 1),
        nn.Sequential(BasicConv2d(256, 32, 1), BasicConv2d(32, 32, 3, padding=1)),
        nn.Sequential(BasicConv2d(256, 32, 1), BasicConv2d(32, 32, 3, padding=1), BasicConv2d(32, 32, 3, padding=1)),
    )


def _block17() -> Residual:
    return Residual(896, 256, 0.1, BasicConv2d(896, 128, 1), _separated(896, 128, 7))


def _block8(scale: float, *, last: bool = False) -> Residual:
    return Residual(1792, 384, scale, BasicConv2d(1792, 192, 1), _separated(1792, 192, 3), last=last)


def _separated(inputs: int, outputs: int, length: int) -> nn.Sequential:
    """Filter along the rows, then along the columns."""
    return nn.Sequential(
        BasicConv2d(inputs, outputs, 1),
        BasicConv2d(outputs, outputs, (1, length), padding=(0, length // 2)),
        BasicConv2d(outputs, outputs, (length, 1), padding=(length // 2, 0)),
    )
