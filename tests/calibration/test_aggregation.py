"""How norms of several layers become one score."""

import torch

from froq_lightning.calibration.aggregation import aggregate

NORMS = torch.tensor([[1.0, 100.0], [3.0, 300.0], [5.0, 200.0]])
MEANS, STDS = NORMS.mean(dim=0), NORMS.std(dim=0, correction=0)


def test_the_mean_norm_is_ruled_by_the_layer_of_the_largest_scale() -> None:
    scores = aggregate(NORMS, "mean_norm", MEANS, STDS)
    assert scores.tolist() == [50.5, 151.5, 102.5]


def test_standardised_norms_weigh_every_layer_alike() -> None:
    scores = aggregate(NORMS, "mean_standardised_norm", MEANS, STDS)
    scaled = aggregate(
        NORMS * torch.tensor([1.0, 1e-3]),
        "mean_standardised_norm",
        MEANS * torch.tensor([1, 1e-3]),
        STDS * torch.tensor([1, 1e-3]),
    )
    torch.testing.assert_close(scores, scaled, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(scores.mean(), torch.tensor(0.0).double(), rtol=0, atol=1e-6)


def test_scores_are_float64() -> None:
    assert aggregate(NORMS, "mean_norm", MEANS, STDS).dtype == torch.float64
