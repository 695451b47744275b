"""Comparison trials (ISO/IEC 2382-37): comparison scores from embeddings, and the quality of a pair."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import DataError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]
Booleans = npt.NDArray[np.bool_]

CHUNK = 16_384


@dataclass(frozen=True)
class Trials:
    """The comparison trials of a data set.

    Args:
        scores: `[P]` comparison scores, higher is more alike; NaN where one side gave no embedding.
        mated: `[P]`, whether both sides show the same subject.
        first: `[P]`, positions of one side.
        second: `[P]`, positions of the other.
        subjects: `[U]`, who each position shows.
    """

    scores: Floats
    mated: Booleans
    first: Integers
    second: Integers
    subjects: Integers

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.mated) == len(self.first) == len(self.second):
            raise DataError("Expected `scores`, `mated`, `first` and `second` to be of one length")

    def take(self, trials: Integers | Booleans) -> "Trials":
        """Keep some trials, perhaps repeatedly."""
        return Trials(self.scores[trials], self.mated[trials], self.first[trials], self.second[trials], self.subjects)

    def units(self) -> Integers:
        """Positions of the images (or templates) that are in trials, rising."""
        used = np.zeros(len(self.subjects), dtype=bool)
        used[self.first] = used[self.second] = True
        return np.flatnonzero(used)

    def scored(self) -> "Trials":
        """Keep the trials that have a comparison score."""
        usable = np.isfinite(self.scores)
        return self if usable.all() else self.take(usable)


def compare(embeddings: npt.NDArray[np.float32], first: Integers, second: Integers) -> Floats:
    """Cosine similarity of pairs of embeddings, a chunk at a time: memory for the scores, not for a matrix.

    Args:
        embeddings: `[U, D]`; a row that is zero or not finite has no direction.
        first: `[P]` rows.
        second: `[P]` rows.

    Returns:
        `[P]` in -1..1; NaN where a row has no direction.
    """
    scores = np.empty(len(first))
    with np.errstate(divide="ignore", invalid="ignore"):
        length = 1 / np.sqrt(np.einsum("ud,ud->u", embeddings, embeddings, dtype=np.float64))
        for start in range(0, len(first), CHUNK):
            a, b = first[start : start + CHUNK], second[start : start + CHUNK]
            dot = np.einsum("pd,pd->p", embeddings[a], embeddings[b], dtype=np.float64)
            scores[start : start + CHUNK] = dot * length[a] * length[b]
    return np.clip(scores, -1, 1)


def pair_quality(quality: Floats, first: Integers, second: Integers) -> Floats:
    """Quality of pairs: the smaller of the two; NaN, a failure to acquire, where either is missing."""
    return np.minimum(quality[first], quality[second])
