"""The dry run that tells what each layer is, and the search for layers that repeat another."""

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.observation.layers import repeated_columns, survey_layers


class WithIdle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Conv2d(3, 3, 1)
        self.late = nn.Linear(4, 2)
        self.early = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.late(self.early(inputs))


@pytest.fixture
def backbone() -> Backbone:
    torch.manual_seed(0)
    return Backbone(WithIdle(), Preprocessing(size=(16, 16)), WeightsInfo("none", "0"))


def test_layers_come_in_execution_order_and_silent_ones_last(backbone: Backbone) -> None:
    layers = survey_layers(backbone)
    assert [(layer.name, layer.kind, layer.shape, layer.repeats, layer.reason) for layer in layers] == [
        ("early.0", "Conv2d", (4, 14, 14), "", ""),
        ("early.1", "AdaptiveAvgPool2d", (4, 1, 1), "", ""),
        ("early.2", "Flatten", (4,), "early.1", ""),
        ("early", "Sequential", (4,), "early.1", ""),
        ("late", "Linear", (2,), "", ""),
        ("idle", "Conv2d", (), "", "never fired"),
    ]
    assert survey_layers(backbone) == layers
    assert not any(module._forward_hooks for module in backbone.network.modules())


def test_cost_is_the_share_of_the_work_done_so_far(backbone: Backbone) -> None:
    cost = {layer.name: layer.cost for layer in survey_layers(backbone)}
    convolution, linear = 2 * 4 * 14 * 14 * 27, 2 * 4 * 2
    assert cost["early.0"] == pytest.approx(convolution / (convolution + linear))
    assert cost["late"] == 1
    assert cost["idle"] == 0


def test_a_column_repeats_the_first_in_execution_order() -> None:
    norms = torch.rand(12, 4)
    norms[:, 3] = norms[:, 1] = norms[:, 0]
    assert repeated_columns(norms, (3, 2, 1, 0)) == {1: 3, 0: 3}
    assert repeated_columns(norms, (0, 1, 2, 3)) == {1: 0, 3: 0}


def test_columns_that_differ_by_rounding_are_one_and_by_more_on_one_image_are_two() -> None:
    norms = torch.rand(12, 1).add(1).expand(-1, 2).clone()
    norms[:, 1] *= 1 + 2**-22
    assert repeated_columns(norms, (0, 1)) == {1: 0}
    norms[5, 1] *= 1.001
    assert repeated_columns(norms, (0, 1)) == {}


def test_a_permuted_column_with_the_same_mean_is_no_repeat() -> None:
    column = torch.rand(12)
    assert repeated_columns(torch.stack([column, column.flip(0), column], dim=1), (0, 1, 2)) == {2: 0}


def test_columns_that_are_not_finite_or_never_fired_are_not_compared() -> None:
    norms = torch.full((12, 4), torch.nan)
    norms[:, 2] = norms[:, 3] = torch.rand(12)
    assert repeated_columns(norms, (0, 1, 2)) == {}
