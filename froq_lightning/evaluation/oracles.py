"""Oracles: qualities made from what no quality method knows. They show how much there is to gain."""

import numpy as np
import numpy.typing as npt

from froq_lightning.evaluation.comparisons import CHUNK, Floats, Integers, Trials

PERFECT = "perfect"
SUBJECT_MEAN = "cosine to the subject's mean"


def perfect_quality(trials: Trials) -> Floats:
    """Rank trials by their comparison scores: whatever the threshold, false non-matches are discarded first.

    No quality can bring FNMR down faster at a fixed threshold: at the discarded share r, its curve is
    max(FNMR - r, 0) / (1 - r). Where the threshold is set anew at each step, another order may be better still.

    Args:
        trials: with finite scores.

    Returns:
        `[P]` of the trials, each different, so that no convention discards several at once.
    """
    ranks = np.empty(len(trials.scores))
    ranks[np.argsort(trials.scores, kind="stable")] = np.arange(len(ranks))
    return ranks


def subject_mean_quality(embeddings: npt.NDArray[np.float32], subjects: Integers) -> Floats:
    """Cosine of every embedding to the mean of the normalised embeddings of the other images of its subject.

    It uses whom the image shows, and the other images of that subject.

    Args:
        embeddings: `[U, D]` of the images (or templates), read a few subjects at a time; a row that is zero or not
            finite has no direction, and is in no mean.
        subjects: `[U]`, who each shows.

    Returns:
        `[U]` in -1..1; NaN where a row has no direction. Infinity, the highest, where no other image of the subject has
        one: nothing speaks against such an image, which is in no mated trial, and its non-mated trials go by their
        other image.
    """
    order = np.argsort(subjects, kind="stable")
    starts = np.flatnonzero(np.diff(subjects[order], prepend=subjects.min(initial=0) - 1))
    quality = np.empty(len(subjects))
    # Whole subjects, of CHUNK images together; one who has more comes alone.
    blocks = np.split(starts, np.flatnonzero(np.diff(starts // CHUNK)) + 1) if len(starts) else []
    for place, block in enumerate(blocks):
        end = blocks[place + 1][0] if place + 1 < len(blocks) else len(order)
        rows = order[block[0] : end]
        quality[rows] = _cosine_to_others(embeddings[rows], block - block[0])
    return quality


def _cosine_to_others(embeddings: npt.NDArray[np.float32], starts: Integers) -> Floats:
    """The same for images in the order of their subjects, each of which begins at one of the starts."""
    rows = embeddings.astype(np.float64)
    length = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    known = np.isfinite(length) & (length > 0)
    unit = np.divide(rows, length[:, None], out=np.zeros_like(rows), where=known[:, None])
    counts = np.diff(np.append(starts, len(rows)))
    others = np.repeat(np.add.reduceat(unit, starts, axis=0), counts, axis=0) - unit
    has_others = np.repeat(np.add.reduceat(known.astype(np.int64), starts), counts) - known > 0
    size = np.sqrt(np.einsum("nd,nd->n", others, others))
    dot = np.einsum("nd,nd->n", unit, others)
    cosine = np.divide(dot, size, out=np.full(len(rows), np.inf), where=has_others & (size > 0))
    return np.where(known, np.clip(cosine, -1, None), np.nan)
