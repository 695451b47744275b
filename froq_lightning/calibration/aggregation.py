"""The aggregation of the norms of the selected layers to one score."""

from typing import Literal

from torch import Tensor

Aggregation = Literal["mean_norm", "mean_standardised_norm"]


def aggregate(norms: Tensor, rule: Aggregation, means: Tensor, stds: Tensor, weights: Tensor | None = None) -> Tensor:
    """Combine layer norms to one score per image, higher is better.

    Args:
        norms: `[N, K]` norms of the selected layers.
        rule: "mean_norm", the mean of the raw norms (as published: the layer of the largest scale weighs most), or
            "mean_standardised_norm", the weighted mean of the norms after each layer's are brought to mean 0 and
            std 1: sum(w * z) / sum(|w|).
        means: `[K]`, over the calibration set.
        stds: `[K]`, over the calibration set, positive.
        weights: `[K]` of standardised norms, below 0 where a larger norm means less quality; if none are given, all
            layers weigh alike.

    Returns:
        `[N]` float64, unbounded.
    """
    # FROQ's score is the mean of the raw norms of the K selected layers: s = 1/K * sum of q_k.
    wide = norms.double()
    if rule == "mean_standardised_norm":
        wide = (wide - means.to(wide)) / stds.to(wide)
        if weights is not None:
            # Relative to their mean size, equal weights are exactly 1: the scores are those of the plain mean.
            wide = wide * (weights * len(weights) / weights.abs().sum()).to(wide)
    return wide.mean(dim=1)
