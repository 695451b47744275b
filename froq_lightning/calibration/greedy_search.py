"""The greedy search for a set of layers whose score ranks images as their pseudo-quality does (FROQ, section 3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import aggregate
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.preset import Preset


@dataclass(frozen=True)
class LayerSet:
    """What a search found.

    Args:
        columns: of the layers, in the order in which they were added.
        utilities: set utility after each was added: Spearman's rho between the score of the set and the pseudo-quality.
    """

    columns: tuple[int, ...]
    utilities: tuple[float, ...]

    @property
    def utility(self) -> float:
        """The highest set utility."""
        return max(self.utilities)

    @property
    def best(self) -> tuple[int, ...]:
        """The columns up to where the set utility is highest."""
        return self.columns[: self.utilities.index(self.utility) + 1]


class GreedySearch:
    """Searches sets of layers.

    Args:
        norms: `[N, L]` layer norms of the calibration images.
        pseudo_quality: `[N]` labels, higher is better.
        utilities: layer utility by column, of the columns that may be chosen.
        preset: rule of selection.
    """

    def __init__(self, norms: Tensor, pseudo_quality: Tensor, utilities: Mapping[int, float], preset: Preset) -> None:
        self.norms = norms
        self.pseudo_quality = pseudo_quality
        self.utilities = utilities
        self.preset = preset
        self._parts: dict[int, Tensor] = {}
        self._known: dict[frozenset[int], float] = {}

    def pool(self, columns: Iterable[int]) -> tuple[int, ...]:
        """Of some columns, those of highest utility that the search draws from, the best first."""
        return tuple(sorted(columns, key=lambda column: -self.utilities[column])[: self.preset.pool])

    def moments(self, columns: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (over N) of the norms of some columns, float64."""
        wide = [self.norms[:, column].double() for column in columns]
        return torch.stack([one.mean() for one in wide]), torch.stack([one.std(correction=0) for one in wide])

    def scores(self, columns: Iterable[int]) -> Tensor:
        """Scores of the calibration images by a set of layers, `[N]` float64."""
        columns = list(columns)
        return aggregate(self.norms[:, columns], self.preset.aggregation, *self.moments(columns))

    def grow(self, *pools: Sequence[int]) -> list[LayerSet]:
        """From each pool, start with the first; add, one at a time, the layer that makes the set's score rank best."""
        growing = [_Growing([pool[0]], list(pool[1:]), self._part(pool[0]).clone()) for pool in pools]
        utilities = [[self.utilities[pool[0]]] for pool in pools]
        while any(each.left for each in growing):
            self._look_at(growing)
            for each, reached in zip(growing, utilities, strict=True):
                if each.left:
                    rhos = [self._known[each.joined_by(column)] for column in each.left]
                    reached.append(max(rhos))
                    column = each.left.pop(rhos.index(reached[-1]))
                    each.chosen.append(column)
                    each.total += self._part(column)
        return [LayerSet(tuple(each.chosen), tuple(reached)) for each, reached in zip(growing, utilities, strict=True)]

    def _look_at(self, growing: Iterable["_Growing"]) -> None:
        """Take the utilities of the sets that could come next, all at once; those seen before are known."""
        scores: dict[frozenset[int], Tensor] = {}
        for each in growing:
            for column in each.left:
                joined = each.joined_by(column)
                if joined not in self._known and joined not in scores:
                    scores[joined] = (each.total + self._part(column)) / len(joined)
        if scores:
            rhos = spearman(torch.stack(list(scores.values()), dim=1), self.pseudo_quality).nan_to_num(-1.0)
            self._known |= dict(zip(scores, rhos.tolist(), strict=True))

    def _part(self, column: int) -> Tensor:
        if column not in self._parts:
            self._parts[column] = self.scores([column])
        return self._parts[column]


@dataclass
class _Growing:
    """A set under way: its columns, those that may join it, and the sum of the norms of the chosen ones, `[N]`."""

    chosen: list[int]
    left: list[int]
    total: Tensor

    def joined_by(self, column: int) -> frozenset[int]:
        return frozenset((*self.chosen, column))
