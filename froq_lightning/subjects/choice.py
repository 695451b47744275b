"""Choosing images by their quality: good enough, the best of each subject, the worst of all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import ConfigurationError

NOBODY = -1
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """Which images are chosen; each condition applies to what those before it left.

    Args:
        min_quality: the lowest quality, 0..100, of a chosen image.
        best_per_subject: at most so many of each subject, the best ones.
        worst: at most so many in all, the worst ones.

    Raises:
        ConfigurationError: if one is out of its range.
    """

    min_quality: float | None = None
    best_per_subject: int | None = None
    worst: int | None = None

    def __post_init__(self) -> None:
        if self.min_quality is not None and not 0 <= self.min_quality <= 100:
            raise ConfigurationError(f"Expected a lowest quality in 0..100, but got {self.min_quality:g}")
        for name in ("best_per_subject", "worst"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigurationError(f"Expected {name} to be 1 or more, but got {number}")

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition, so that every image that was scored is chosen."""
        return (self.min_quality, self.best_per_subject, self.worst) == (None, None, None)


def choose(choice: Choice, scores: Floats, quality: Floats, subjects: Integers) -> Integers:
    """Choose among N images.

    Of equal scores the image that stands first is the better one, as in the tables of a run.

    Args:
        choice: the conditions.
        scores: `[N]` raw scores, higher is better; NaN for images that failed, which are never chosen.
        quality: `[N]` in 0..100.
        subjects: `[N]`, equal for images of one subject; `NOBODY` where that is not known, and then an image is not
            among the best of a subject.

    Returns:
        Positions of the chosen images in their order; the worst first if the worst are wanted.
    """
    chosen = np.flatnonzero(np.isfinite(scores))
    if choice.min_quality is not None:
        chosen = chosen[quality[chosen] >= choice.min_quality]
    if choice.best_per_subject is not None:
        chosen = _best_of_each(chosen[subjects[chosen] != NOBODY], scores, subjects, choice.best_per_subject)
    if choice.worst is not None:
        return chosen[np.lexsort((-chosen, scores[chosen]))][: choice.worst]
    return chosen


def _best_of_each(images: Integers, scores: Floats, subjects: Integers, count: int) -> Integers:
    ranked = images[np.lexsort((images, -scores[images], subjects[images]))]  # subject by subject, the best first
    _, first, sizes = np.unique(subjects[ranked], return_index=True, return_counts=True)
    rank = np.arange(len(ranked)) - np.repeat(first, sizes)
    return np.sort(ranked[rank < count])
