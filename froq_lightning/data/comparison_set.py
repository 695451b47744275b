"""What an evaluation runs on: images, and the comparison trials between them or between templates of them."""

from bisect import bisect
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from froq_lightning.data.image_refs import ImageRef, LazyRefs, Names
from froq_lightning.errors import DataError
from froq_lightning.evaluation.comparisons import Booleans, Integers

Indices = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Templates:
    """Images that are compared in groups (IJB-C).

    A template's embedding is the sum over its media of the mean embedding of a medium's images.

    Args:
        template: `[N]`, for every image the position of its template.
        media: `[N]`, for every image a number that it shares with the other images of its template and medium.
    """

    template: Indices
    media: Indices


@dataclass(frozen=True)
class ComparisonSet:
    """Images and comparison trials. The two sides of a trial are images, or templates where there are some.

    Args:
        name: in tables and files.
        images: the N images, each once.
        first: `[P]`, one side of every trial.
        second: `[P]`, its other side.
        mated: `[P]` bool, whether both sides show the same subject.
        subjects: `[U]`, whom each image or template shows; equal numbers, equal subject.
        templates: how images form templates; None where images are compared.
        note: how the trials came about, for tables; such as "non-mated trials sampled".
        passed_over: what else is in a folder; empty if nothing is.
    """

    name: str
    images: Sequence[ImageRef]
    first: Indices
    second: Indices
    mated: npt.NDArray[np.bool_]
    subjects: Indices
    templates: Templates | None = None
    note: str = ""
    passed_over: str = ""

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.mated):
            lengths = f"{len(self.first)}, {len(self.second)} and {len(self.mated)}"
            raise DataError(f"Expected `first`, `second` and `mated` to be of one length, but got {lengths}")
        if not len(self.mated):
            raise DataError(f"{self.name} holds no comparison trials")
        lowest, highest = min(self.first.min(), self.second.min()), max(self.first.max(), self.second.max())
        if lowest < 0 or highest >= len(self.subjects):
            wrong = lowest if lowest < 0 else highest
            raise DataError(f"Expected trials between 0 and {len(self.subjects) - 1}, but got {wrong}")

    def lacking(self, usable: npt.NDArray[np.bool_] | None = None) -> str:
        """Name the kinds of trials, mated or non-mated, that a set lacks; empty if it has both.

        Args:
            usable: `[P]`, which trials count; by default all.
        """
        mated = self.mated if usable is None else self.mated[usable]
        kinds = (("mated", mated.any()), ("non-mated", (~mated).any()))
        return " and no ".join(kind for kind, some in kinds if not some)


@dataclass(frozen=True, eq=False)
class ImagesOfSets(LazyRefs):
    """The images of several sets, one set after the other; their keys begin with the name of the set."""

    sets: Sequence[ComparisonSet]

    def __len__(self) -> int:
        return sum(len(each.images) for each in self.sets)

    def keys_in_order(self) -> Iterator[str]:
        """Yield the names of the images."""
        return (f"{each.name}/{key}" for each in self.sets for key in Names(each.images))

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        ends = list(accumulate(len(each.images) for each in self.sets))
        number = bisect(ends, index)
        images = self.sets[number].images
        image = images[index - ends[number] + len(images)]
        return replace(image, key=f"{self.sets[number].name}/{image.key}")


def numbered(names: Iterable[str] | Integers) -> Indices:
    """Number names from 0 in their order, equal for equal ones; memory grows with the names that differ."""
    if isinstance(names, np.ndarray):
        return np.unique(names, return_inverse=True)[1].astype(np.int32)
    return _numbered(names)[0]


def subject_numbers(names: Iterable[str]) -> Integers:
    """Number subjects from 0 in the order of their names; -1 for an empty name, which is of nobody."""
    numbers, distinct = _numbered(names)
    return numbers.astype(np.int64) - ("" in distinct)  # it is the first in order


def _numbered(names: Iterable[str]) -> tuple[Indices, Collection[str]]:
    """Number names in their order, in one pass; an array of texts would give every one the room of the longest."""
    places: dict[str, int] = {}
    found = np.fromiter((places.setdefault(name, len(places)) for name in names), dtype=np.int32)
    order = np.empty(len(places), dtype=np.int32)
    order[[places[name] for name in sorted(places)]] = np.arange(len(places), dtype=np.int32)
    return order[found], places


def connected(count: int, first: Integers, second: Integers) -> Indices:
    """Number the connected components of a graph, in the order of their lowest members.

    Every round hangs the root of one end of an edge below the lower root of its other end and flattens the trees, so
    that the number of rounds grows with the logarithm of the size.

    Args:
        count: of nodes.
        first: `[E]`, one end of every edge.
        second: `[E]`, its other end.

    Returns:
        `[count]`, equal for nodes of one component.
    """
    root = np.arange(count)
    while True:
        one, other = root[first], root[second]
        apart = one != other
        if not apart.any():
            return numbered(root)
        low, high = np.minimum(one, other)[apart], np.maximum(one, other)[apart]
        np.minimum.at(root, high, low)
        while (flatter := root[root]).tobytes() != root.tobytes():
            root = flatter


def subjects_of(count: int, first: Integers, second: Integers, mated: Booleans) -> tuple[Indices, str]:
    """Number the subjects of things that are compared, and note non-mated trials that contradict the mated ones."""
    subjects = connected(count, first[mated], second[mated])
    contradictions = int((subjects[first[~mated]] == subjects[second[~mated]]).sum())
    note = f"{contradictions:,} non-mated trials contradict the mated ones (both sides show one subject)"
    return subjects, note if contradictions else ""
