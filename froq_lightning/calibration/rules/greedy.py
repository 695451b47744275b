"""The greedy search for a set of layers whose score ranks images as their pseudo-quality does (FROQ, section 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules.rule import LayerSet, Rule


@dataclass(frozen=True, kw_only=True)
class Greedy(Rule):
    """Start with the layer of highest utility; add, one at a time, the one that makes the score of the set rank best.

    With the layer utilities u_k = rho(q_k, y) of the norms q_k and the labels y, the search draws from the `pool`
    layers of highest u_k. The set S begins with the best of them and grows by
    argmax over k not in S of rho(mean of q_j over j in S and k, y), until the pool is empty. The prefix with the
    highest rho is selected.

    Args:
        pool: number of layers of highest utility that the search draws from.
    """

    pool: int = 10

    def pools(self, table: LabelledNorms, columns: Sequence[int]) -> list[tuple[int, ...]]:
        """Draw the pool from the columns up to every depth; many depths have the same pool, which is searched once."""
        return list(dict.fromkeys(self._pool(table, columns[: count + 1]) for count in range(len(columns))))

    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Search each pool."""
        return _Search(table, self.aggregation).run([self._pool(table, pool) for pool in pools])

    def _pool(self, table: LabelledNorms, columns: Iterable[int]) -> tuple[int, ...]:
        """Of some columns, those of highest utility that the search draws from, the best first."""
        return tuple(sorted(columns, key=lambda column: -table.utilities[column])[: self.pool])


def paper() -> Greedy:
    """Return the published rule: copies of a layer count as layers, and raw norms are averaged."""
    return Greedy(pool=10, fold_repeats=False, aggregation="mean_norm")


def distinct() -> Greedy:
    """Return the published search on distinct layers, whose norms are standardised so that each weighs alike."""
    return Greedy(pool=10, fold_repeats=True, aggregation="mean_standardised_norm")


class _Search:
    """Searches several pools side by side, so that all candidate sets of a step are ranked in one call.

    Pools of neighbouring depths share most of their sets, whose utilities are kept.
    """

    def __init__(self, table: LabelledNorms, aggregation: Aggregation) -> None:
        self.table = table
        self.aggregation = aggregation
        self._scores: dict[int, Tensor] = {}
        self._utilities: dict[frozenset[int], float] = {}

    def run(self, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Grow a set from each pool, whose first column is the layer of highest utility."""
        searches = [_GrowingSet([pool[0]], list(pool[1:]), self._score(pool[0]).clone()) for pool in pools]
        trajectories = [[self.table.utilities[pool[0]]] for pool in pools]
        while any(search.left for search in searches):
            self._rank_candidates(searches)
            for search, utilities in zip(searches, trajectories, strict=True):
                if search.left:
                    rhos = [self._utilities[search.with_column(column)] for column in search.left]
                    # Of ties, the first: `left` is in the order of falling layer utility.
                    utilities.append(max(rhos))
                    column = search.left.pop(rhos.index(utilities[-1]))
                    search.chosen.append(column)
                    search.total += self._score(column)
        return [_best_prefix(search.chosen, each) for search, each in zip(searches, trajectories, strict=True)]

    def _rank_candidates(self, searches: Iterable["_GrowingSet"]) -> None:
        """Take rho of every set that is one column larger, unless it is known."""
        scores: dict[frozenset[int], Tensor] = {}
        for search in searches:
            for column in search.left:
                candidate = search.with_column(column)
                if candidate not in self._utilities and candidate not in scores:
                    scores[candidate] = (search.total + self._score(column)) / len(candidate)
        if scores:
            # A set whose scores are constant has no rho, and must not win.
            rhos = spearman(torch.stack(list(scores.values()), dim=1), self.table.pseudo_quality).nan_to_num(-1.0)
            self._utilities |= dict(zip(scores, rhos.tolist(), strict=True))

    def _score(self, column: int) -> Tensor:
        """Return what a layer adds to the score of a set, `[N]`: its raw or its standardised norms."""
        if column not in self._scores:
            alone = LayerSet((column,), torch.ones(1, dtype=torch.float64), 0.0)
            self._scores[column] = alone.scores(self.table.norms, self.aggregation, self.table.moments([column]))
        return self._scores[column]


@dataclass
class _GrowingSet:
    """A set that grows: its columns, those that may join it, and the sum of the scores of the chosen ones, `[N]`."""

    chosen: list[int]
    left: list[int]
    total: Tensor

    def with_column(self, column: int) -> frozenset[int]:
        return frozenset((*self.chosen, column))


def _best_prefix(chosen: Sequence[int], utilities: Sequence[float]) -> LayerSet:
    """Select the columns up to where the set utility is highest, the fewest of ties."""
    count = utilities.index(max(utilities)) + 1
    weights = torch.ones(count, dtype=torch.float64)
    return LayerSet(tuple(chosen[:count]), weights, max(utilities), tuple(zip(chosen, utilities, strict=True)))
