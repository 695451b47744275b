"""Comparison trials where only subjects are known: all mated ones, and a sample of the non-mated ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.data.comparison_set import ComparisonSet, numbered
from froq_lightning.data.image_refs import ImageRef, Selected
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.comparisons import Integers

NON_MATED_AT_LEAST = 10_000
# The mated trials of a subject grow with the square of its images; more than this are sampled as well.
MATED_AT_MOST = 5_000_000


@dataclass(frozen=True)
class Sampling:
    """How trials are sampled.

    Args:
        non_mated: number of non-mated trials; by default as many as there are mated ones, but at least 10,000. If
            there are not so many, all are taken.
        seed: of the draws.
    """

    non_mated: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.non_mated is not None and self.non_mated < 1:
            raise ConfigurationError(f"Expected `non_mated` to be at least 1, but got {self.non_mated}")
        if self.seed < 0:
            raise ConfigurationError(f"Expected `seed` to be at least 0, but got {self.seed}")


@dataclass(frozen=True)
class PairSpace:
    """Pairs of images that can be counted and numbered without being listed.

    Args:
        before: `[N + 1]`, number of pairs that start with an earlier image.
        partner: `[N]`, the first partner of every image; its others follow.
    """

    before: npt.NDArray[np.int64]
    partner: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.before[-1])

    def pairs(self, numbers: Integers) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return both images of the pairs of some numbers."""
        first = np.searchsorted(self.before, numbers, side="right") - 1
        return first, self.partner[first] + numbers - self.before[first]


def pair_spaces(subjects: Integers) -> tuple[PairSpace, PairSpace]:
    """Number the mated and the non-mated pairs of images that are sorted by their subjects, `[N]`."""
    place = np.arange(len(subjects))
    end = np.searchsorted(subjects, subjects, side="right")
    mated = PairSpace(_before(end - place - 1), place + 1)
    return mated, PairSpace(_before(len(subjects) - end), end)


def distinct(count: int, wanted: int, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw distinct numbers below `count`, sorted; memory grows with the smaller of those drawn and those left."""
    if wanted >= count:
        return np.arange(count)
    if wanted > count // 2:
        return np.setdiff1d(np.arange(count), distinct(count, count - wanted, draw), assume_unique=True)
    chosen = np.unique(draw.integers(count, size=wanted))
    while len(chosen) < wanted:
        chosen = np.union1d(chosen, draw.integers(count, size=wanted - len(chosen)))
    return chosen


def sample_comparisons(name: str, images: Sequence[ImageRef], subjects: Integers, sampling: Sampling) -> ComparisonSet:
    """Compare images with each other: all mated pairs, and non-mated pairs drawn uniformly without repeats.

    Args:
        name: of the set.
        images: N images; those that occur in no trial are left out.
        subjects: `[N]` numbers of who they show.
        sampling: how trials are sampled.

    Raises:
        DataError: if there are no mated or no non-mated pairs.
    """
    order = np.argsort(subjects, kind="stable")
    mated, non_mated = pair_spaces(subjects[order])
    if not len(mated) or not len(non_mated):
        raise DataError(f"Expected {name} to hold two subjects, and two images of one, but got {_counts(subjects)}")
    draw = np.random.default_rng(sampling.seed)
    numbers = distinct(len(mated), MATED_AT_MOST, draw)
    wanted = max(len(numbers), NON_MATED_AT_LEAST) if sampling.non_mated is None else sampling.non_mated
    others = distinct(len(non_mated), wanted, draw)
    sides = [np.concatenate(both) for both in zip(mated.pairs(numbers), non_mated.pairs(others), strict=True)]
    used, ends = np.unique(order[np.concatenate(sides)], return_inverse=True)
    first, second = np.split(ends.astype(np.int32), 2)
    return ComparisonSet(
        name,
        images if len(used) == len(images) else Selected(images, used.astype(np.int32)),
        first,
        second,
        np.arange(len(first)) < len(numbers),
        numbered(subjects[used]),
        note=f"{_share('mated', numbers, mated)}, {_share('non-mated', others, non_mated)} (seed {sampling.seed})",
    )


def _before(counts: Integers) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _share(kind: str, taken: Integers, space: PairSpace) -> str:
    if len(taken) == len(space):
        return f"all {len(space):,} {kind} trials"
    return f"{len(taken):,} of {len(space):,} {kind} trials sampled"


def _counts(subjects: Integers) -> str:
    count = len(np.unique(subjects))
    return f"{len(subjects)} images of {count} subject{'s' if count > 1 else ''}"
