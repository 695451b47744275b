"""Feature attention: 11 views of the tokens of all stages, one for each group of attributes."""

from collections.abc import Sequence
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from froq_swinface.tasks import GROUPS

# Values per token after each stage, and tokens a side to which all stages are brought.
WIDTHS = (192, 384, 768, 768)
SIDE = 7
FEATURES = 512


class SplitConv(nn.Module):
    """One 3 x 3 convolution per stage, whose outputs share the channels as the stages share the inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(width, round(FEATURES * width / sum(WIDTHS)), 3, padding=1, bias=False) for width in WIDTHS
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map four `[B, width, 7, 7]` to `[B, 512, 7, 7]`."""
        return torch.cat([conv(each) for conv, each in zip(self.convs, maps, strict=True)], dim=1)


class ChannelAttention(nn.Module):
    """Weighs each channel by what its mean and its maximum tell (CBAM, Woo et al., ECCV 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Flatten(),
            nn.Linear(FEATURES, FEATURES // 16),
            nn.ReLU(),
            nn.Linear(FEATURES // 16, FEATURES),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 512, 7, 7]` to `[B, 512, 7, 7]`."""
        weight = self.mlp(x.mean(dim=(2, 3), keepdim=True)) + self.mlp(x.amax(dim=(2, 3), keepdim=True))
        return x * weight.sigmoid()[:, :, None, None]


class FeatureAttentionNet(nn.Module):
    """Convolution, channel attention and the maximum of each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = SplitConv()
        self.channel_attention = ChannelAttention()
        self.act = nn.ReLU()
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.norm = nn.BatchNorm1d(FEATURES, eps=2e-5)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map four `[B, width, 7, 7]` to `[B, 512]`."""
        return self.norm(self.pool(self.act(self.channel_attention(self.conv(maps)))).flatten(1))


class FeatureAttention(nn.Module):
    """Maps the tokens of four stages, `[B, N, width]`, to 11 features `[B, 512]`."""

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList(FeatureAttentionNet() for _ in GROUPS)

    def forward(self, stages: Sequence[Tensor]) -> list[Tensor]:
        """Give each group its view of the tokens."""
        maps = [_as_map(tokens) for tokens in stages]
        return [net(maps) for net in self.nets]


def _as_map(tokens: Tensor) -> Tensor:
    """Average `[B, N, width]` tokens over a grid of 7 x 7, `[B, width, 7, 7]`."""
    side = isqrt(tokens.shape[1])
    return adaptive_avg_pool2d(tokens.transpose(1, 2).unflatten(2, (side, side)), SIDE)
