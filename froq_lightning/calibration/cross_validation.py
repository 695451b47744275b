"""The set utility on images that the layers were not chosen on.

The search looks for the layers whose scores agree best with the labels of the very images that the set utility is then
taken over, which flatters it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.labelled_norms import LabelledNorms, shuffle_groups
from froq_lightning.calibration.pareto_front import select_within_budget
from froq_lightning.calibration.rules.rule import Rule
from froq_lightning.calibration.set_utility import SetUtility, fisher_interval

FOLDS = 5
# Of a larger calibration set so many images are drawn: rho is then known to about 0.04, and the time is bounded.
MOST_IMAGES = 2_000
# Samples of groups that an interval is taken from.
RESAMPLES = 200


def cross_validate(
    rule: Rule, table: LabelledNorms, columns: Sequence[int], costs: Mapping[int, float], budget: Budget
) -> SetUtility:
    """Choose layers on four fifths of the images, score the last fifth with them, and so five times.

    Folds are drawn at random, always the same, and hold whole groups: with fewer than five groups, one each. The scores
    of a fold are brought to mean 0 and std 1 by those of the images that its layers were chosen on, so that one rho can
    be taken over the images of all folds.

    Args:
        rule: of selection.
        table: of the calibration images.
        columns: that may be chosen.
        costs: of reaching each column; not needed without a budget.
        budget: limits to the cost of the selected layers.
    """
    rows, place = shuffle_groups(table.groups, MOST_IMAGES, FOLDS)
    table = table.rows(rows)
    needed_costs = {column: costs[column] for column in columns} if budget != Budget() else {}
    fold = place % FOLDS
    scores = table.norms.new_empty(len(rows), dtype=torch.float64)
    for held_out in (fold == number for number in fold.unique()):
        scores[held_out] = _scored(rule, table, held_out, columns, needed_costs, budget)
    scores, labels, place = scores.cpu(), table.pseudo_quality.cpu(), place.cpu()
    rho = spearman(scores, labels).item() if bool(scores.isfinite().all()) else math.nan
    groups = int(place.max()) + 1
    if groups == len(rows) or math.isnan(rho):
        return SetUtility(None if math.isnan(rho) else rho, len(rows))
    return SetUtility(rho, len(rows), groups, _interval(scores, labels, place))


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
    rule: Rule,
    table: LabelledNorms,
    held_out: Tensor,
    columns: Sequence[int],
    costs: Mapping[int, float],
    budget: Budget,
) -> Tensor:
    """Score the held-out images by layers chosen on the others; NaN where no layer has a utility on these."""
    others = table.rows(~held_out)
    rhos = spearman(others.norms[:, list(columns)], others.pseudo_quality).tolist()
    utilities = {column: rho for column, rho in zip(columns, rhos, strict=True) if math.isfinite(rho)}
    if not utilities:
        return table.norms.new_full((int(held_out.sum()),), torch.nan, dtype=torch.float64)
    others = replace(others, utilities=utilities)
    chosen, _ = select_within_budget(rule, others, list(utilities), costs, budget)
    moments = others.moments(chosen.columns)
    reference = chosen.scores(others.norms, rule.aggregation, moments)
    scores = chosen.scores(table.norms[held_out], rule.aggregation, moments)
    return (scores - reference.mean()) / reference.std(correction=0)
