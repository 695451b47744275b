"""The contract of a selection rule, and the set of layers that it selects.

A rule is a frozen dataclass in a file of its own, registered in the entry-point group `froq_lightning.rules`: a class
that needs no options, or a function that returns an instance. The name is at once a preset of calibration.
`froq_lightning.conformance.check_rule` checks a rule.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation, aggregate
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.labelled_norms import LabelledNorms

# Depths at which the Pareto front looks for sets of layers, unless a rule says otherwise.
DEPTHS = 24


@dataclass(frozen=True)
class LayerSet:
    """A selected set of K layers.

    Args:
        columns: of the layers.
        weights: `[K]` float64 of these layers in the score.
        utility: the set utility: Spearman's rho between the scores of the set and the labels.
        trajectory: of a greedy search, each column with the set utility once it was added; the selected ones come
            first. Empty under other rules.
    """

    columns: tuple[int, ...]
    weights: Tensor
    utility: float
    trajectory: tuple[tuple[int, float], ...] = ()

    def scores(self, norms: Tensor, aggregation: Aggregation, moments: tuple[Tensor, Tensor]) -> Tensor:
        """Scores of images by their `[N, L]` norms: `[N]` float64."""
        return aggregate(norms[:, list(self.columns)], aggregation, *moments, self.weights)


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """Selects layers by their norms and the labels of the images.

    Args:
        fold_repeats: whether of layers with the same norms only the first in execution order is a candidate. If not,
            each copy adds the weight of one more layer, as in the published code.
        aggregation: how the norms of a set become a score.

    Example:
        >>> @dataclass(frozen=True, kw_only=True)
        ... class BestLayer(Rule):
        ...     def choose(self, table, pools):
        ...         best = [max(pool, key=table.utilities.__getitem__) for pool in pools]
        ...         return [self.layer_set(table, [column]) for column in best]
    """

    fold_repeats: bool = True
    aggregation: Aggregation = "mean_standardised_norm"

    @abstractmethod
    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Select layers from each of several pools of columns: a set for each pool, at least one layer in each.

        What is selected depends on neither the other pools nor the order of the images.
        """

    def pools(self, table: LabelledNorms, columns: Sequence[int]) -> list[tuple[int, ...]]:
        """Of columns from cheap to dear, return the pools that a Pareto front is chosen from; by default, 24 depths."""
        del table
        depths = torch.linspace(1, len(columns), min(DEPTHS, len(columns)), dtype=torch.float64).round().int()
        return [tuple(columns[:depth]) for depth in depths.tolist()]

    def layer_set(self, table: LabelledNorms, columns: Sequence[int], weights: Tensor | None = None) -> LayerSet:
        """Make a set of layers, all of weight 1 if no `[K]` weights are given, and compute its utility."""
        weights = torch.ones(len(columns), dtype=torch.float64) if weights is None else weights
        chosen = LayerSet(tuple(columns), weights, 0.0)
        scores = chosen.scores(table.norms, self.aggregation, table.moments(columns))
        rho = spearman(scores, table.pseudo_quality).nan_to_num(-1.0).item()
        return LayerSet(chosen.columns, weights, rho)
