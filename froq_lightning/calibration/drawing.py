"""Drawing images in whole groups, always the same ones: those of a subject, or a photograph and its copies."""

import torch
from torch import Tensor


def shuffled(groups: Tensor, most: int, least_groups: int = 1) -> tuple[Tensor, Tensor]:
    """Shuffle groups of images, and take as many groups as hold `most` images, but no fewer than `least_groups`.

    The draw depends on the numbers of the groups, not on the order of the images.

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
