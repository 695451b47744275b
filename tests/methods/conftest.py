"""What the tests of the methods share: a small network that every method can work on."""

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing


class StrideBlock(nn.Module):
    """Halves the size; begins with a ReLU that writes into what came before."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.act = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 2, 1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        branch = self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))
        branch += self.shortcut(x)
        return branch


class StagedNet(nn.Module):
    """A face network of four stages for crops of 32 pixels, with dropout before its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.stages = nn.Sequential(StrideBlock(8, 8), StrideBlock(8, 12), StrideBlock(12, 16), StrideBlock(16, 24))
        self.bn = nn.BatchNorm2d(24)
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(96, 20)

    def trunk(self, inputs: Tensor) -> Tensor:
        return self.bn(self.stages(self.stem(inputs)))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.dropout(self.trunk(inputs)).flatten(1))


@pytest.fixture
def staged_backbone() -> Backbone:
    """A random network of four stages, the same on every machine, whose running statistics are no defaults."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network = StagedNet()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 1.5)
    preprocessing = Preprocessing((32, 32), "BGR", mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
    return Backbone.with_weights(network, preprocessing, None, quality=lambda output: output.norm(dim=1))
