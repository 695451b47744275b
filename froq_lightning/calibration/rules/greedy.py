"""The greedy search for a set of layers whose score ranks images as their pseudo-quality does (FROQ, section 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.rules.rule import LabelledNorms, LayerSet


@dataclass(frozen=True)
class Greedy:
    """Start with the layer of highest utility; add, one at a time, the one that makes the score of the set rank best.

    Args:
        pool: number of layers of highest utility that the search draws from.
    """

    pool: int
    fold_repeats: bool
    aggregation: Aggregation

    def pools(self, table: LabelledNorms, columns: Sequence[int]) -> list[tuple[int, ...]]:
        """Draw the pool from the columns up to every depth."""
        return list(dict.fromkeys(self._pool(table, columns[: count + 1]) for count in range(len(columns))))

    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Search each set of columns."""
        return _Search(table, self.aggregation).grow([self._pool(table, pool) for pool in pools])

    def _pool(self, table: LabelledNorms, columns: Iterable[int]) -> tuple[int, ...]:
        """Of some columns, those of highest utility that the search draws from, the best first."""
        return tuple(sorted(columns, key=lambda column: -table.utilities[column])[: self.pool])


class _Search:
    def __init__(self, table: LabelledNorms, aggregation: Aggregation) -> None:
        self.table = table
        self.aggregation = aggregation
        self._parts: dict[int, Tensor] = {}
        self._known: dict[frozenset[int], float] = {}

    def grow(self, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """From each pool, start with the first; add, one at a time, the layer that makes the set's score rank best."""
        growing = [_Growing([pool[0]], list(pool[1:]), self._part(pool[0]).clone()) for pool in pools]
        utilities = [[self.table.utilities[pool[0]]] for pool in pools]
        while any(each.left for each in growing):
            self._look_at(growing)
            for each, reached in zip(growing, utilities, strict=True):
                if each.left:
                    rhos = [self._known[each.joined_by(column)] for column in each.left]
                    reached.append(max(rhos))
                    column = each.left.pop(rhos.index(reached[-1]))
                    each.chosen.append(column)
                    each.total += self._part(column)
        return [_best(each.chosen, reached) for each, reached in zip(growing, utilities, strict=True)]

    def _look_at(self, growing: Iterable["_Growing"]) -> None:
        """Take the utilities of the sets that could come next, all at once; those seen before are known."""
        scores: dict[frozenset[int], Tensor] = {}
        for each in growing:
            for column in each.left:
                joined = each.joined_by(column)
                if joined not in self._known and joined not in scores:
                    scores[joined] = (each.total + self._part(column)) / len(joined)
        if scores:
            rhos = spearman(torch.stack(list(scores.values()), dim=1), self.table.pseudo_quality).nan_to_num(-1.0)
            self._known |= dict(zip(scores, rhos.tolist(), strict=True))

    def _part(self, column: int) -> Tensor:
        if column not in self._parts:
            alone = LayerSet((column,), torch.ones(1, dtype=torch.float64), 0.0)
            self._parts[column] = alone.scores(self.table.norms, self.aggregation, self.table.moments([column]))
        return self._parts[column]


@dataclass
class _Growing:
    """A set under way: its columns, those that may join it, and the sum of the norms of the chosen ones, `[N]`."""

    chosen: list[int]
    left: list[int]
    total: Tensor

    def joined_by(self, column: int) -> frozenset[int]:
        return frozenset((*self.chosen, column))


def _best(chosen: Sequence[int], utilities: Sequence[float]) -> LayerSet:
    """Keep the columns up to where the set utility is highest."""
    count = utilities.index(max(utilities)) + 1
    weights = torch.ones(count, dtype=torch.float64)
    return LayerSet(tuple(chosen[:count]), weights, max(utilities), tuple(zip(chosen, utilities, strict=True)))
