"""Spearman's rank correlation in float64, with mid-ranks for ties, for many columns at once."""

import torch
from torch import Tensor

# So many values of a table are ranked at a time, which takes about 50 bytes for each.
BLOCK = 4_000_000


def mid_ranks(values: Tensor) -> Tensor:
    """Rank along the first dimension, 1 for the smallest; tied values share the mean of their ranks.

    Args:
        values: `[N]` or `[N, L]`, finite.

    Returns:
        float64 of the same shape.
    """
    rows = values.movedim(0, -1).contiguous()
    ordered = rows.sort(dim=-1).values
    below = torch.searchsorted(ordered, rows, right=False)
    not_above = torch.searchsorted(ordered, rows, right=True)
    return ((below + not_above + 1).double() / 2).movedim(-1, 0)


def spearman(values: Tensor, reference: Tensor) -> Tensor:
    """Spearman's rho of each column with a reference.

    Args:
        values: `[N]` or `[N, L]`, finite.
        reference: `[N]`, finite.

    Returns:
        `[]` or `[L]` float64 in -1..1; NaN where a column or the reference is constant.
    """
    ranks, target = mid_ranks(values), mid_ranks(reference)
    ranks, target = ranks - ranks.mean(dim=0), target - target.mean()
    scale = ranks.square().sum(dim=0).sqrt() * target.square().sum().sqrt()
    return (target @ ranks / scale).clamp(-1, 1)
