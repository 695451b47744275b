"""The norm of each image is taken exactly, whatever the layout or type of a layer's output."""

from typing import Any

import pytest
import torch

from froq_lightning.observation.reduction import batch_norms


@pytest.mark.parametrize(
    "arrange",
    [
        lambda tensor: tensor.contiguous(memory_format=torch.channels_last),
        lambda tensor: tensor.transpose(1, 3),
        lambda tensor: tensor[:, :, ::2, 1:],
        lambda tensor: tensor[::2],
        lambda tensor: tensor[:, :1].expand(-1, 7, -1, -1),
        lambda tensor: tensor.transpose(0, 1).contiguous().transpose(0, 1),
    ],
    ids=["channels last", "transposed", "strided", "every second image", "expanded", "batch innermost"],
)
def test_the_layout_of_memory_does_not_matter(arrange: Any) -> None:
    tensor = arrange(torch.randn(6, 5, 4, 6, generator=torch.Generator().manual_seed(1)))
    expected = torch.stack([image.double().norm() for image in tensor]).float()
    torch.testing.assert_close(batch_norms(tensor, len(tensor)), expected)


def test_values_that_stand_in_many_places_are_summed_as_exactly() -> None:
    tensor = torch.rand(2, 64, 1, 1, generator=torch.Generator().manual_seed(2)).expand(2, 64, 56, 56)
    expected = torch.stack([image.double().norm() for image in tensor]).float()
    torch.testing.assert_close(batch_norms(tensor, 2), expected, rtol=5e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_activations_are_summed_in_float32(dtype: torch.dtype) -> None:
    tensor = torch.full((2, 4, 100, 100), 600.0).to(dtype)
    norms = batch_norms(tensor, 2)
    assert norms.dtype == torch.float32
    torch.testing.assert_close(norms, torch.full((2,), 200 * float(tensor[0, 0, 0, 0])), rtol=1e-4, atol=0)
