"""Comparison trials to measure on."""

from collections.abc import Callable

import numpy as np
import pytest

from froq_lightning.evaluation.comparisons import Trials


@pytest.fixture
def draw() -> Callable[..., tuple[Trials, np.ndarray]]:
    """Draws trials between images of a few subjects, and a quality of the images that foretells errors somewhat."""

    def drawn(seed: int, mated: int = 300, non_mated: int = 700, levels: int = 0) -> tuple[Trials, np.ndarray]:
        generator = np.random.default_rng(seed)
        subjects = np.repeat(np.arange(20), 5)
        quality = generator.random(100)
        flags = np.arange(mated + non_mated) < mated
        one, other = generator.integers(20, size=(2, len(flags)))
        other = np.where(flags, one, np.where(one == other, (other + 1) % 20, other))
        which = generator.integers(5, size=len(flags))
        first, second = one * 5 + which, other * 5 + (which + generator.integers(1, 5, size=len(flags))) % 5
        least = np.minimum(quality[first], quality[second])
        scores = generator.normal(np.where(flags, 0.2 + 0.5 * least, 0.0), 0.15).clip(-1, 1)
        shuffled = generator.permutation(len(flags))
        if levels:
            quality, scores = np.round(quality * levels), np.round(scores * levels) / levels
        return Trials(scores, flags, first, second, subjects).take(shuffled), quality

    return drawn
