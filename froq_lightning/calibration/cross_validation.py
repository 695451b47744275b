"""The set utility on images that the layers were not chosen on.

The search looks for the layers whose scores agree best with the labels of the very images that the set utility is then
taken over, which flatters it.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import aggregate
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.front import search_within
from froq_lightning.calibration.greedy_search import GreedySearch
from froq_lightning.calibration.preset import Preset
from froq_lightning.calibration.set_utility import SetUtility

FOLDS = 5
# Of a larger calibration set so many images are drawn: rho is then known to about 0.04, and the time is bounded.
MOST_IMAGES = 2_000


def cross_validate(
    norms: Tensor,
    pseudo_quality: Tensor,
    columns: Sequence[int],
    preset: Preset,
    costs: Mapping[int, float],
    budget: Budget,
) -> SetUtility:
    """Choose layers on four fifths of the images, score the last fifth with them, and so five times.

    Folds are drawn at random, always the same. The scores of a fold are brought to mean 0 and std 1 by those of the
    images that its layers were chosen on, so that one rho can be taken over the images of all folds.

    Args:
        norms: `[N, L]` layer norms of the calibration images.
        pseudo_quality: `[N]` labels, higher is better.
        columns: that may be chosen.
        preset: rule of selection.
        costs: of reaching each column; not needed without a budget.
        budget: limits to the cost of the selected layers.
    """
    order = torch.randperm(len(norms), generator=torch.Generator().manual_seed(0))[:MOST_IMAGES].to(norms.device)
    norms, pseudo_quality = norms[order][:, list(columns)], pseudo_quality[order]
    reached = [costs[column] for column in columns] if budget != Budget() else []
    fold = torch.arange(len(order), device=norms.device) % FOLDS
    scores = norms.new_empty(len(order), dtype=torch.float64)
    for held_out in (fold == number for number in range(FOLDS)):
        scores[held_out] = _scored(norms, pseudo_quality, held_out, preset, reached, budget)
    rho = spearman(scores, pseudo_quality).item() if bool(scores.isfinite().all()) else torch.nan
    return SetUtility(rho, len(order))


def _scored(
    norms: Tensor, pseudo_quality: Tensor, held_out: Tensor, preset: Preset, costs: Sequence[float], budget: Budget
) -> Tensor:
    """Score the held-out images by layers chosen on the others; NaN where these do not tell any layers apart."""
    seen, labels = norms[~held_out], pseudo_quality[~held_out]
    utilities = {column: rho for column, rho in enumerate(spearman(seen, labels).tolist()) if math.isfinite(rho)}
    if not utilities:
        return norms.new_full((int(held_out.sum()),), torch.nan, dtype=torch.float64)
    search = GreedySearch(seen, labels, utilities, preset)
    found, _ = search_within(search, list(utilities), dict(enumerate(costs)), budget)
    own, moments = search.scores(found.best), search.moments(found.best)
    return (aggregate(norms[held_out][:, found.best], preset.aggregation, *moments) - own.mean()) / own.std(
        correction=0
    )
