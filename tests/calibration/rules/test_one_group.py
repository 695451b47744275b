"""Ridge regression on images that are all of one subject, or copies of one photograph: they have no groups to fold."""

import pytest
import torch
from torch import Tensor

from froq_lightning.calibration.preset import PRESETS
from froq_lightning.calibration.selection import select_layers


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("layers", [1, 3, 40])
def test_layers_are_chosen_from_copies_of_one_or_two_photographs(layers: int, count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    norms: Tensor = torch.rand(20, layers, generator=generator) + 1
    labels, photograph = norms[:, 0] + 0.1 * torch.rand(20, generator=generator), torch.arange(20) % count
    names = [f"layer{number}" for number in range(layers)]
    found = select_layers(norms, labels, names, PRESETS["ridge"], groups=photograph, originals=photograph)
    assert found.layers[0] == "layer0"
    assert found.in_sample > 0.9
