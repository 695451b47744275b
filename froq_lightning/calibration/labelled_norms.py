"""The layer norms and labels of a calibration set, and samples of it in whole groups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelledNorms:
    """Layer norms and labels of N calibration images.

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
        return self if len(self.norms) <= most else self.rows(shuffle_groups(self.groups, most)[0])

    def moments(self, columns: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (over N) of the norms of some columns, float64."""
        wide = [self.norms[:, column].double() for column in columns]
        means, stds = [column.mean() for column in wide], [column.std(correction=0) for column in wide]
        return torch.stack(means), torch.stack(stds)


def shuffle_groups(groups: Tensor, most: int, least_groups: int = 1) -> tuple[Tensor, Tensor]:
    """Shuffle groups of images, and take as many groups as hold `most` images, but no fewer than `least_groups`.

    The images of a subject, or a photograph and its copies, stay together. The draw depends on the numbers of the
    groups, not on the order of the images.

    Args:
        groups: `[N]` int64, equal for images of one group.
        most: images, unless the first groups alone hold more.
        least_groups: that are taken in any case.

    Returns:
        The images of these groups, one group after the other, and the place of each image's group in the shuffle.
    """
    names, group = groups.unique(return_inverse=True)
    generator = torch.Generator().manual_seed(0)
    place = torch.randperm(len(names), generator=generator).argsort().to(groups.device)[group]
    taken = max(least_groups, int((place.bincount().cumsum(0) <= most).sum()))
    order = place.argsort(stable=True)
    order = order[place[order] < taken]
    return order, place[order]
