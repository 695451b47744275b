"""insightface's MobileFaceNets ("mbf"): inverted residuals of twice or four times the published width, 512-d."""

from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing

DIMENSIONS = 512


class Layers(nn.Module):
    """A chain of layers, added to its input if asked for."""

    def __init__(self, *layers: nn.Module, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, C, h, w]` to what the last layer gives."""
        return self.layers(x) + x if self.residual else self.layers(x)


class MobileFaceNet(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to `[B, 512]` embeddings, not normalised.

    Args:
        scale: width, as a multiple of the published one; only what leaves a block is wider, not what is inside.
        blocks: residual blocks in each of the four stages; 1 in the first is a grouped convolution instead.
    """

    def __init__(self, scale: int = 2, blocks: tuple[int, int, int, int] = (1, 4, 6, 2)) -> None:
        super().__init__()
        narrow, wide = 64 * scale, 128 * scale
        first = _filter(narrow, narrow, 3, 1, 1, groups=64) if blocks[0] == 1 else _residuals(narrow, 128, blocks[0])
        self.layers = nn.ModuleList(
            [
                _filter(3, narrow, 3, 2, 1),
                first,
                _inverted(narrow, narrow, 128, 2),
                _residuals(narrow, 128, blocks[1]),
                _inverted(narrow, wide, 256, 2),
                _residuals(wide, 256, blocks[2]),
                _inverted(wide, wide, 512, 2),
                _residuals(wide, 256, blocks[3]),
            ]
        )
        self.conv_sep = _filter(wide, 512, 1)
        self.features = Layers(
            _linear(512, 512, 7, groups=512),
            nn.Flatten(),
            nn.Linear(512, DIMENSIONS, bias=False),
            nn.BatchNorm1d(DIMENSIONS),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        for layer in self.layers:
            x = layer(x)
        return self.features(self.conv_sep(x))


def _linear(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> Layers:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return Layers(convolution, nn.BatchNorm2d(outputs))


def _filter(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> Layers:
    block = _linear(inputs, outputs, kernel, stride, padding, groups)
    block.layers.append(nn.PReLU(outputs))
    return block


def _inverted(inputs: int, outputs: int, wide: int, stride: int, *, residual: bool = False) -> Layers:
    """Widen, filter each channel, narrow."""
    return Layers(
        _filter(inputs, wide, 1),
        _filter(wide, wide, 3, stride, 1, groups=wide),
        _linear(wide, outputs, 1),
        residual=residual,
    )


def _residuals(channels: int, wide: int, count: int) -> Layers:
    return Layers(*(_inverted(channels, channels, wide, 1, residual=True) for _ in range(count)))


def insightface_mbf(weights: str | None = None) -> Backbone:
    """Build insightface's MobileFaceNet, RGB.

    Args:
        weights: `model.pt`, a plain state dict, or a checkpoint with one under `state_dict_backbone`; random without.
    """
    return _backbone(MobileFaceNet(), weights)


def insightface_mbf_large(weights: str | None = None) -> Backbone:
    """Build insightface's larger MobileFaceNet, RGB; arguments as for `insightface_mbf`."""
    return _backbone(MobileFaceNet(4, (2, 8, 12, 4)), weights)


def _backbone(network: MobileFaceNet, weights: str | None) -> Backbone:
    return Backbone.with_weights(
        network,
        Preprocessing(),
        weights,
        licence="non-commercial research",
        candidate_layers=("layers.*", "conv_sep*", "features*"),
    )
