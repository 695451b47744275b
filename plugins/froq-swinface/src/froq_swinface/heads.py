"""Subnets for the 11 groups of attributes, and a linear layer for each of the 42 attributes."""

from collections.abc import Sequence

from torch import Tensor, nn

from froq_swinface.fam import FEATURES
from froq_swinface.tasks import ATTRIBUTES, GROUPS, values


class TaskSpecificSubnet(nn.Module):
    """Two linear layers, each with a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.feature = nn.Sequential(
            nn.Linear(FEATURES, FEATURES),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(FEATURES, FEATURES),
            nn.ReLU(),
            nn.Dropout(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 512]` to `[B, 512]`."""
        return self.feature(x)


class TaskSpecificSubnets(nn.Module):
    """Maps the feature of each group, `[B, 512]`, to one of as many values."""

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList(TaskSpecificSubnet() for _ in GROUPS)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Give each feature to the subnet of its group."""
        return [net(feature) for net, feature in zip(self.nets, features, strict=True)]


class Outputs(nn.Module):
    """Maps the features of the groups, `[B, 512]`, to the values of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.output_fcs = nn.ModuleList(nn.Linear(FEATURES, values(attribute)) for attribute in ATTRIBUTES)

    def forward(self, features: Sequence[Tensor]) -> dict[str, Tensor]:
        """Tell each attribute: the age `[B, 1]`, logits `[B, 7]` of expressions, logits `[B, 2]` of any other."""
        shared = [feature for feature, group in zip(features, GROUPS, strict=True) for _ in group]
        every = zip(ATTRIBUTES, self.output_fcs, shared, strict=True)
        return {attribute: linear(feature) for attribute, linear, feature in every}
