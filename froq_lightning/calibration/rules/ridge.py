"""Weights of all layers by ridge regression of the labels, then the few layers that make the same score.

How many layers show quality differs between networks: one that many layers share wants a broad mean of them, another
the contrast of a few. The penalty leads from the one to the other, and cross-validation chooses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.labelled_norms import LabelledNorms, shuffle_groups
from froq_lightning.calibration.rules.rule import LayerSet, Rule

FOLDS = 5
# A larger calibration set is thinned to so many images: weights of a few hundred layers need no more.
MOST_IMAGES = 10_000
# From regression that follows the labels closely, to weights in proportion to each layer's own correlation.
PENALTIES = torch.logspace(-3, 2, 21, dtype=torch.float64)


@dataclass(frozen=True, kw_only=True)
class Ridge(Rule):
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
    slack: float = 0.01

    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Regress the labels on each pool of columns."""
        return [self._chosen(table, list(pool)) for pool in pools]

    def _chosen(self, table: LabelledNorms, columns: list[int]) -> LayerSet:
        means, stds = table.moments(columns)
        thinned = table.thinned(MOST_IMAGES)
        norms = (thinned.norms[:, columns].double() - means) / stds
        labels = thinned.pseudo_quality.double()
        labels = (labels - labels.mean()) / labels.std()
        path = _ridge_path(*_demeaned(norms, labels, thinned.originals, self.between))
        weights = path[:, self._penalty(norms, labels, thinned)]
        places, sparse_weights = _sparse(norms, norms @ weights, self.most_layers)
        return self.layer_set(table, [columns[place] for place in places], sparse_weights)

    def _penalty(self, norms: Tensor, labels: Tensor, table: LabelledNorms) -> int:
        """Place of the largest penalty whose held-out scores agree with the labels best, but for `slack`.

        Folds hold whole groups, unless there is one group alone.
        """
        each = torch.arange(len(norms), device=norms.device)
        one_group = bool((table.groups == table.groups[0]).all())
        order, place = shuffle_groups(each if one_group else table.groups, len(norms))
        fold = torch.empty_like(place).index_copy_(0, order, place % FOLDS)
        scores = norms.new_zeros(len(norms), len(PENALTIES))
        for held_out in (fold == number for number in fold.unique()):
            others = _demeaned(norms[~held_out], labels[~held_out], table.originals[~held_out], self.between)
            scores[held_out] = norms[held_out] @ _ridge_path(*others)
        # With copies, agreement is within photographs alone: there the labels are comparable.
        has_copies = len(table.originals.unique()) < len(norms)
        scores, target = _demeaned(scores, labels, table.originals, 0 if has_copies else 1)
        agreement = (scores.T @ target) / (scores.norm(dim=0) * target.norm())  # Pearson's r: both are centred
        agreement = agreement.nan_to_num(-1.0)
        return int((agreement >= agreement.max() - self.slack).nonzero()[-1, 0])


def _demeaned(values: Tensor, labels: Tensor, originals: Tensor, between: float) -> tuple[Tensor, Tensor]:
    """Centre values and labels, and take `1 - between` of the mean of each photograph and its copies from them.

    Quasi-demeaning: v_ij - (1 - between) * mean_j(v_ij), of copy j of photograph i; 1 is ordinary regression, 0 the
    "within" estimator, which sees differences between copies alone.
    """
    joint = torch.cat([values, labels[:, None]], dim=1)
    joint = joint - joint.mean(dim=0)
    names, photograph = originals.unique(return_inverse=True)
    sums = joint.new_zeros(len(names), joint.shape[1]).index_add_(0, photograph, joint)
    joint = joint - (1 - between) * (sums / photograph.bincount()[:, None])[photograph]
    return joint[:, :-1], joint[:, -1]


def _ridge_path(norms: Tensor, labels: Tensor) -> Tensor:
    """Weights `[L, P]` under every penalty p: w = (X'X / N + p I)^-1 X'y / N.

    One eigendecomposition X'X / N = V diag(l) V' serves all penalties: w = V diag(1 / (l + p)) V' X'y / N.
    """
    values, vectors = torch.linalg.eigh(norms.T @ norms / len(norms))
    along = vectors.T @ (norms.T @ labels / len(norms))
    return vectors @ (along[:, None] / (values.clamp(min=0)[:, None] + PENALTIES.to(values)))


def _sparse(norms: Tensor, scores: Tensor, most: int) -> tuple[list[int], Tensor]:
    """Choose columns by orthogonal matching pursuit; weigh them by least squares, to be nearest to the scores."""
    centred = scores - scores.mean()
    places = list(_pursued(norms, centred, most))
    weights = torch.linalg.lstsq(norms[:, places], centred[:, None]).solution[:, 0]
    return places, weights


def _pursued(norms: Tensor, residual: Tensor, most: int) -> Iterator[int]:
    """Yield columns, each the one along which, less what the chosen ones span, the residual is longest."""
    remaining = norms / norms.norm(dim=0)
    for _ in range(min(most, norms.shape[1])):
        lengths = remaining.norm(dim=0)
        # A column that the chosen ones span has only rounding left, which is no direction.
        gains = torch.where(lengths > 1e-3, (residual @ remaining).abs() / lengths, 0)
        place = int(gains.argmax())
        if gains[place] <= 1e-6 * residual.norm() or not gains[place] > 0:
            return
        yield place
        # Gram-Schmidt: take the new direction out of the residual and of every column.
        direction = remaining[:, place] / lengths[place]
        residual = residual - direction * (direction @ residual)
        remaining = remaining - direction[:, None] * (direction @ remaining)
