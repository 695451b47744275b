"""Weights of all layers by ridge regression of the labels, then the few layers that make the same score.

How many layers tell quality differs between networks: one that many layers share wants a broad mean of them, another
the contrast of a few. The penalty leads from the one to the other, and cross-validation chooses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.drawing import shuffled
from froq_lightning.calibration.rules.rule import LabelledNorms, LayerSet

FOLDS = 5
# A larger calibration set is thinned to so many images: weights of a few hundred layers need no more.
MOST_IMAGES = 10_000
# Depths of the front.
DEPTHS = 24


@dataclass(frozen=True)
class Ridge:
    """Ridge regression of the labels on standardised layer norms, made sparse.

    Labels of different photographs are less comparable than those of a photograph and its degraded copies: a photograph
    that was bad to begin with resembles itself well. So differences between photographs count by a share, as in a
    regression with random intercepts (quasi-demeaning).

    Args:
        most_layers: of the set. They are chosen one at a time, each to bring the score of the set, fitted by least
            squares, nearest to that of all layers.
        between: share, 0..1, by which differences between photographs count.
        slack: what the cross-validated correlation with the labels may lose for a larger penalty.
    """

    most_layers: int = 10
    between: float = 0.5
    slack: float = 0.003
    fold_repeats: bool = True
    aggregation: Aggregation = "mean_standardised_norm"

    def pools(self, table: LabelledNorms, columns: Sequence[int]) -> list[tuple[int, ...]]:
        """Cut the columns off at evenly spaced depths."""
        del table
        depths = torch.linspace(1, len(columns), min(DEPTHS, len(columns)), dtype=torch.float64).round().int()
        return [tuple(columns[:depth]) for depth in depths.tolist()]

    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Regress the labels on each set of columns."""
        return [self._chosen(table, list(pool)) for pool in pools]

    def _chosen(self, table: LabelledNorms, columns: list[int]) -> LayerSet:
        moments = table.moments(columns)
        few = table.thinned(MOST_IMAGES)
        norms = (few.norms[:, columns].double() - moments[0]) / moments[1]
        labels = few.pseudo_quality.double()
        labels = (labels - labels.mean()) / labels.std()
        path = _ridge_path(*_demeaned(norms, labels, few.originals, self.between))
        weights = path[:, self._penalty(norms, labels, few)]
        places, sparse = _sparse(norms, norms @ weights, self.most_layers)
        chosen = LayerSet(tuple(columns[place] for place in places), sparse, 0.0)
        scores = chosen.scores(table.norms, self.aggregation, table.moments(chosen.columns))
        return LayerSet(chosen.columns, sparse, spearman(scores, table.pseudo_quality).nan_to_num(-1.0).item())

    def _penalty(self, norms: Tensor, labels: Tensor, table: LabelledNorms) -> int:
        """Place of the largest penalty whose held-out scores agree with the labels best, but for `slack`.

        Folds hold whole groups, unless there is one group alone.
        """
        alone = torch.arange(len(norms), device=norms.device)
        one_group = bool((table.groups == table.groups[0]).all())
        order, place = shuffled(alone if one_group else table.groups, len(norms))
        fold = torch.empty_like(place).index_copy_(0, order, place % FOLDS)
        scores = norms.new_zeros(len(norms), len(PENALTIES))
        for held_out in (fold == number for number in fold.unique()):
            seen = _demeaned(norms[~held_out], labels[~held_out], table.originals[~held_out], self.between)
            scores[held_out] = norms[held_out] @ _ridge_path(*seen)
        has_copies = len(table.originals.unique()) < len(norms)
        scores, target = _demeaned(scores, labels, table.originals, 0 if has_copies else 1)
        agreement = (scores.T @ target) / (scores.norm(dim=0) * target.norm())
        agreement = agreement.nan_to_num(-1.0)
        return int((agreement >= agreement.max() - self.slack).nonzero()[-1, 0])


def _demeaned(values: Tensor, labels: Tensor, originals: Tensor, between: float) -> tuple[Tensor, Tensor]:
    """Centre values and labels, and take `1 - between` of the mean of each photograph and its copies from them."""
    joint = torch.cat([values, labels[:, None]], dim=1)
    joint = joint - joint.mean(dim=0)
    names, photograph = originals.unique(return_inverse=True)
    sums = joint.new_zeros(len(names), joint.shape[1]).index_add_(0, photograph, joint)
    joint = joint - (1 - between) * (sums / photograph.bincount()[:, None])[photograph]
    return joint[:, :-1], joint[:, -1]


# From regression that follows the labels closely, to weights in proportion to each layer's own correlation.
PENALTIES = torch.logspace(-3, 2, 21, dtype=torch.float64)


def _ridge_path(norms: Tensor, labels: Tensor) -> Tensor:
    """Weights `[L, P]` under every penalty."""
    values, vectors = torch.linalg.eigh(norms.T @ norms / len(norms))
    along = vectors.T @ (norms.T @ labels / len(norms))
    return vectors @ (along[:, None] / (values.clamp(min=0)[:, None] + PENALTIES.to(values)))


def _sparse(norms: Tensor, scores: Tensor, most: int) -> tuple[list[int], Tensor]:
    """Choose columns by orthogonal matching pursuit; weigh them by least squares, to be nearest to the scores."""
    places = list(_pursued(norms, scores - scores.mean(), most))
    weights = torch.linalg.lstsq(norms[:, places], (scores - scores.mean())[:, None]).solution[:, 0]
    return places, weights


def _pursued(norms: Tensor, missing: Tensor, most: int) -> Iterator[int]:
    left = norms / norms.norm(dim=0)
    for _ in range(min(most, norms.shape[1])):
        lengths = left.norm(dim=0)
        # What the chosen columns explain already is rounding, and no direction.
        gains = torch.where(lengths > 1e-3, (missing @ left).abs() / lengths, 0)
        place = int(gains.argmax())
        if gains[place] <= 1e-6 * missing.norm() or not gains[place] > 0:
            return
        yield place
        direction = left[:, place] / lengths[place]
        missing = missing - direction * (direction @ missing)
        left = left - direction[:, None] * (direction @ left)
