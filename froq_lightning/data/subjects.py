"""Who is who: from names, or from pairs alone, where whatever mated trials connect is one subject."""

from collections.abc import Sequence

import numpy as np

from froq_lightning.data.comparison_set import Indices
from froq_lightning.evaluation.comparisons import Booleans, Integers


def numbered(names: Sequence[str] | Integers) -> Indices:
    """Number names from 0 in their order, equal for equal ones."""
    if not isinstance(names, np.ndarray):  # an array of texts gives every one the room of the longest
        numbers = {name: number for number, name in enumerate(sorted(set(names)))}
        return np.fromiter(map(numbers.__getitem__, names), dtype=np.int32, count=len(names))
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int32)


def subject_numbers(names: Sequence[str]) -> Integers:
    """Number who is shown, from 0 in the order of the names; -1 for an empty name, which tells nobody."""
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
    told = f"{contradictions:,} non-mated trials contradict the mated ones (both sides show one subject)"
    return subjects, told if contradictions else ""
