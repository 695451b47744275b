"""Spearman's rank correlation in float64, with mid-ranks for ties, for many columns at once."""

import torch
from torch import Tensor

# So many values are ranked at a time. Each takes about 70 bytes meanwhile: 140 MB, unless one column has more.
BLOCK = 2_000_000


def mid_ranks(values: Tensor) -> Tensor:
    """Rank along the first dimension, 1 for the smallest; tied values share the mean of their ranks.

    Args:
        values: `[N]` or `[N, L]`, finite.

    Returns:
        float64 of the same shape.
    """
    ordered, order = values.movedim(0, -1).sort(dim=-1)
    # Tied values stand next to each other: a run of them begins where a value differs from the one before, and every
    # member gets the mean of the first and the last rank of its run.
    ranks = torch.arange(1, len(values) + 1, dtype=torch.float64, device=values.device)
    begins = torch.ones_like(ordered, dtype=torch.bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    lowest = torch.where(begins, ranks, 0).cummax(dim=-1).values
    ends = begins.roll(-1, dims=-1)
    highest = torch.where(ends, ranks, torch.inf).flip(-1).cummin(dim=-1).values.flip(-1)
    return torch.empty_like(lowest).scatter_(-1, order, (lowest + highest) / 2).movedim(-1, 0)


def spearman(values: Tensor, reference: Tensor) -> Tensor:
    """Spearman's rho of each column with a reference: Pearson's r of their mid-ranks.

    The short formula 1 - 6 sum(d^2) / (n (n^2 - 1)) would be wrong where values tie.

    Args:
        values: `[N]` or `[N, L]`, finite.
        reference: `[N]`, finite.

    Returns:
        `[]` or `[L]` float64 in -1..1; NaN where a column or the reference is constant.
    """
    if values.ndim == 1:
        return spearman(values[:, None], reference)[0]
    target = _centred_ranks(reference)
    columns = max(1, BLOCK // max(1, len(values)))
    # Allocated beforehand: small tensors kept between large temporary ones would make memory grow with every block.
    rhos = target.new_empty(values.shape[1])
    for block, out in zip(values.split(columns, dim=1), rhos.split(columns), strict=True):
        out.copy_(_rho(_centred_ranks(block), target))
    return rhos


def _centred_ranks(values: Tensor) -> Tensor:
    """Ranks of `[N]` or `[N, L]` as `[N]` or `[L, N]`, less their mean."""
    ranks = mid_ranks(values).movedim(0, -1)
    return ranks.sub_(ranks.mean(dim=-1, keepdim=True))


def _rho(ranks: Tensor, target: Tensor) -> Tensor:
    """Pearson's r = <a, b> / (|a| |b|) of centred `[L, N]` ranks with the centred `[N]` target."""
    scale = ranks.square().sum(dim=-1).sqrt() * target.square().sum().sqrt()
    return ((ranks * target).sum(dim=-1) / scale).clamp(-1, 1)  # 0 / 0, of a constant, is NaN
