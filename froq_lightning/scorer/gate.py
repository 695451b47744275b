"""A gate: images pass or fail by their quality."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from typing import Any, overload

import numpy as np
from PIL import Image
from torch import Tensor

from froq_lightning.errors import ConfigurationError
from froq_lightning.runs.quality_batch import NOT_FINITE, QualityBatch, ScoredBatch
from froq_lightning.scorer.images import is_one_image

OneImage = str | bytes | PathLike[str] | Image.Image | np.ndarray | Tensor | None


@dataclass(frozen=True)
class Verdict:
    """Whether an image is good enough; true in an `if` where it passed.

    Args:
        passed: whether its quality reaches the lowest that passes.
        reason: why it failed; empty if it passed.
        quality: 0..100; -1 if it could not be scored.
    """

    passed: bool
    reason: str
    quality: int

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True)
class Gate:
    """Passes or fails images: `gate(image)`.

    Args:
        scorer: scores them; a QualityScorer.
        min_quality: 0..100, the lowest quality that passes.

    Raises:
        ConfigurationError: if it is out of that range.
    """

    scorer: Callable[[Any], ScoredBatch]
    min_quality: int

    def __post_init__(self) -> None:
        if not 0 <= self.min_quality <= 100:
            raise ConfigurationError(f"Expected `min_quality` in 0..100, but got {self.min_quality}")

    @overload  # an array is iterable, too
    def __call__(self, images: OneImage) -> Verdict: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, images: Iterable[Any]) -> list[Verdict]: ...

    def __call__(self, images: Any) -> Verdict | list[Verdict]:
        """Judge one image, or many: whatever a QualityScorer takes. One image that is bad fails with the reason."""
        verdicts = self.judge(self.scorer(images))
        return verdicts[0] if is_one_image(images) else verdicts

    def judge(self, scores: QualityBatch) -> list[Verdict]:
        """Judge images that have been scored, such as by `watch`."""
        reasons: Iterable[str] = (
            scores.reason if isinstance(scores, ScoredBatch) else [NOT_FINITE] * len(scores.quality)
        )
        return [
            self._verdict(quality, reason) for quality, reason in zip(scores.quality.tolist(), reasons, strict=True)
        ]

    def _verdict(self, quality: int, reason: str) -> Verdict:
        if quality < 0:
            return Verdict(passed=False, reason=reason, quality=quality)
        passed = quality >= self.min_quality
        return Verdict(passed, "" if passed else f"quality {quality} is below {self.min_quality}", quality)
