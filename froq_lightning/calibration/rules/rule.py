"""The contract of a rule of selection, and what it selects from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation, aggregate
from froq_lightning.calibration.drawing import shuffled


@dataclass(frozen=True)
class LabelledNorms:
    """What is known of the images of a calibration set.

    Args:
        norms: `[N, L]` layer norms.
        pseudo_quality: `[N]` labels, higher is better.
        utilities: layer utility by column, of the columns that may be chosen.
        groups: `[N]` int64, equal for images that cross-validation keeps together.
        originals: `[N]` int64, equal for an image and its degraded copies.
    """

    norms: Tensor
    pseudo_quality: Tensor
    utilities: Mapping[int, float]
    groups: Tensor
    originals: Tensor

    def rows(self, rows: Tensor) -> Self:
        """Take some of the images."""
        parts = (self.groups[rows], self.originals[rows])
        return type(self)(self.norms[rows], self.pseudo_quality[rows], self.utilities, *parts)

    def thinned(self, most: int) -> Self:
        """Draw whole groups, always the same, up to so many images."""
        return self if len(self.norms) <= most else self.rows(shuffled(self.groups, most)[0])

    def moments(self, columns: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (over N) of the norms of some columns, float64."""
        wide = [self.norms[:, column].double() for column in columns]
        return torch.stack([one.mean() for one in wide]), torch.stack([one.std(correction=0) for one in wide])


@dataclass(frozen=True)
class LayerSet:
    """What a rule selected.

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


class Rule(Protocol):
    """A rule of selection. A frozen dataclass whose fields are its parameters.

    Attributes:
        fold_repeats: whether of layers with the same norms only the first in execution order is a candidate. If not,
            each copy adds the weight of one more layer, as in the published code.
        aggregation: how the norms of a set become a score.
    """

    @property
    def fold_repeats(self) -> bool: ...  # noqa: D102 - above

    @property
    def aggregation(self) -> Aggregation: ...  # noqa: D102 - above

    def pools(self, table: LabelledNorms, columns: Sequence[int]) -> list[tuple[int, ...]]:
        """Of columns from cheap to dear, the sets that a front is chosen from, all of them last."""

    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        """Select layers from each of several sets of columns."""
