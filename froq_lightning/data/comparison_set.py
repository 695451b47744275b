"""What an evaluation runs on: images, and the comparison trials between them or between templates of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.data.image_refs import ImageRef
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


def numbered(names: Sequence[str] | Integers) -> Indices:
    """Number names from 0 in their order, equal for equal ones."""
    if not isinstance(names, np.ndarray):  # an array of texts gives every one the room of the longest
        numbers = {name: number for number, name in enumerate(sorted(set(names)))}
        return np.fromiter(map(numbers.__getitem__, names), dtype=np.int32, count=len(names))
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int32)


def subject_numbers(names: Sequence[str]) -> Integers:
    """Number subjects from 0 in the order of their names; -1 for an empty name, which is of nobody."""
    return numbered(names).astype(np.int64) - ("" in names)  # it is the first in order


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
