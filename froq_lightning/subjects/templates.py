"""One embedding for several images of a subject: the mean, in which good images count for more."""

import numpy as np
import numpy.typing as npt

from froq_lightning.subjects.choice import Floats, Integers

Vectors = npt.NDArray[np.float32]
POWER = 0.5  # chosen on half of the subjects; see benchmarks/templates.py


def quality_weights(quality: Floats, power: float = POWER) -> Floats:
    """Weigh images by their quality.

    Args:
        quality: `[N]` in 0..100, the percentage of the calibration faces that scored lower.
        power: 0 weighs all alike; the larger, the more the best ones count.

    Returns:
        `[N]` weights above 0 and up to 1: ((quality + 1) / 101) ** power.
    """
    return ((quality + 1) / 101) ** power


def join_templates(embeddings: Vectors, weights: Floats, subjects: Integers) -> Vectors:
    """Join the embeddings of every subject to one: the weighted mean of their directions, at unit length.

    Args:
        embeddings: `[N, D]`, finite and not zero.
        weights: `[N]`, above 0.
        subjects: `[N]` numbers from 0 to S - 1, each at least once.

    Returns:
        `[S, D]` float32 of length 1; NaN where directions cancel each other out.
    """
    order = np.argsort(subjects, kind="stable")
    ends = np.cumsum(np.bincount(subjects))
    joined = np.empty((len(ends), embeddings.shape[1]), dtype=np.float32)
    for subject, images in enumerate(np.split(order, ends)[:-1]):
        vectors = embeddings[images].astype(np.float64)
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        mean = weights[images] @ units
        length = np.linalg.norm(mean)
        joined[subject] = mean / length if length > 0 else np.nan
    return joined
