"""How norms of several layers become one score."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from froq_lightning.calibration.aggregation import aggregate


def drawn(seed: int, images: int, layers: int) -> tuple[Tensor, Tensor, Tensor]:
    """Norms of layers on scales of their own, with their means and standard deviations."""
    norms = torch.rand(images, layers, generator=torch.Generator().manual_seed(seed)) * torch.linspace(1, 50, layers)
    return norms, norms.double().mean(dim=0), norms.double().std(dim=0, correction=0)


@settings(deadline=None)  # the first call of torch is slow
@given(st.integers(0, 1000), st.integers(2, 40), st.integers(1, 60), st.sampled_from([0.1, 1.0, 3.0]))
def test_equal_weights_give_the_plain_mean_bit_by_bit(seed: int, images: int, layers: int, weight: float) -> None:
    norms, means, stds = drawn(seed, images, layers)
    plain = ((norms.double() - means) / stds).mean(dim=1)
    ones = torch.ones(layers, dtype=torch.float64)
    assert torch.equal(aggregate(norms, "mean_standardised_norm", means, stds, ones), plain)
    assert torch.equal(aggregate(norms, "mean_standardised_norm", means, stds), plain)
    torch.testing.assert_close(aggregate(norms, "mean_standardised_norm", means, stds, weight * ones), plain)


@given(st.integers(0, 1000), st.integers(1, 8))
def test_a_layer_of_weight_two_counts_as_two_layers(seed: int, layers: int) -> None:
    norms, means, stds = drawn(seed, 5, layers)
    weights = torch.ones(layers, dtype=torch.float64)
    weights[0] = 2
    twice = [0, *range(layers)]
    torch.testing.assert_close(
        aggregate(norms, "mean_standardised_norm", means, stds, weights),
        aggregate(norms[:, twice], "mean_standardised_norm", means[twice], stds[twice]),
    )


def test_the_mean_norm_is_ruled_by_the_layer_of_the_largest_scale_and_has_no_weights() -> None:
    norms, weights = torch.tensor([[1.0, 100.0], [3.0, 300.0], [5.0, 200.0]]), torch.tensor([5.0, 1.0])
    scores = aggregate(norms, "mean_norm", norms.mean(dim=0), norms.std(dim=0), weights)
    assert scores.tolist() == [50.5, 151.5, 102.5]
