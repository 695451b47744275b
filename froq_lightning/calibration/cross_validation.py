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
from froq_lightning.calibration.set_utility import SetUtility, fisher_interval

FOLDS = 5
# Of a larger calibration set so many images are drawn: rho is then known to about 0.04, and the time is bounded.
MOST_IMAGES = 2_000
# Samples of groups that an interval is taken from.
RESAMPLES = 200


def cross_validate(
    norms: Tensor,
    pseudo_quality: Tensor,
    columns: Sequence[int],
    preset: Preset,
    costs: Mapping[int, float],
    budget: Budget,
    groups: Tensor | None = None,
) -> SetUtility:
    """Choose layers on four fifths of the images, score the last fifth with them, and so five times.

    Folds are drawn at random, always the same, and hold whole groups: with fewer than five groups, one each. The scores
    of a fold are brought to mean 0 and std 1 by those of the images that its layers were chosen on, so that one rho can
    be taken over the images of all folds.

    Args:
        norms: `[N, L]` layer norms of the calibration images.
        pseudo_quality: `[N]` labels, higher is better.
        columns: that may be chosen.
        preset: rule of selection.
        costs: of reaching each column; not needed without a budget.
        budget: limits to the cost of the selected layers.
        groups: `[N]` int64, equal for images that are kept together; without them, or if all are equal, every image
            stands for itself.
    """
    if groups is not None and len(groups.unique()) == 1:
        groups = None
    order, place = _dealt(torch.arange(len(norms)) if groups is None else groups.cpu())
    rows = order.to(norms.device)
    norms, pseudo_quality = norms[rows][:, list(columns)], pseudo_quality[rows]
    reached = [costs[column] for column in columns] if budget != Budget() else []
    fold = (place % FOLDS).to(norms.device)
    scores = norms.new_empty(len(order), dtype=torch.float64)
    for held_out in (fold == number for number in fold.unique()):
        scores[held_out] = _scored(norms, pseudo_quality, held_out, preset, reached, budget)
    scores, pseudo_quality = scores.cpu(), pseudo_quality.cpu()
    rho = spearman(scores, pseudo_quality).item() if bool(scores.isfinite().all()) else math.nan
    if groups is None or math.isnan(rho):
        return SetUtility(None if math.isnan(rho) else rho, len(order))
    return SetUtility(rho, len(order), int(place.max()) + 1, _interval(scores, pseudo_quality, place))


def _dealt(groups: Tensor) -> tuple[Tensor, Tensor]:
    """Shuffle the groups, and take as many as hold `MOST_IMAGES`, but no fewer than there are folds.

    Returns:
        The images of these groups, one group after the other, and the place of each image's group in the shuffle.
    """
    names, group = groups.unique(return_inverse=True)
    place = torch.randperm(len(names), generator=torch.Generator().manual_seed(0)).argsort()[group]
    taken = max(FOLDS, int((place.bincount().cumsum(0) <= MOST_IMAGES).sum()))
    order = place.argsort(stable=True)
    order = order[place[order] < taken]
    return order, place[order]


def _interval(scores: Tensor, pseudo_quality: Tensor, group: Tensor) -> tuple[float, float]:
    """95 % interval of rho by bootstrap over groups, since the images of one are not independent.

    Samples of few groups spread too little, so it is no narrower than that of as many independent images.
    """
    count = int(group.max()) + 1
    generator = torch.Generator().manual_seed(0)
    rhos = []
    for _ in range(RESAMPLES):
        drawn = torch.randint(count, (count,), generator=generator).bincount(minlength=count)
        rows = torch.arange(len(group)).repeat_interleave(drawn[group])
        rhos.append(spearman(scores[rows], pseudo_quality[rows]))
    low, high = torch.stack(rhos).nanquantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    lowest, highest = fisher_interval(spearman(scores, pseudo_quality).item(), len(group))
    return min(lowest, low), max(highest, high)


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
