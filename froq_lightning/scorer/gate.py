"""A gate: images pass or fail by their quality."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from typing import Any, overload

import numpy as np
from PIL import Image
from torch import Tensor

from froq_lightning.defects.defects import guidance
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
        defects: what is wrong with an image that failed, the worst first, if that was asked for.
    """

    passed: bool
    reason: str
    quality: int
    defects: tuple[str, ...] = ()

    @property
    def guidance(self) -> str:
        """What a person before the camera can do about the worst defect, in a sentence; empty if none is known."""
        return guidance(self.defects[0]) if self.defects else ""

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True)
class Gate:
    """Passes or fails images: `gate(image)`.

    Args:
        scorer: scores them; a QualityScorer.
        min_quality: 0..100, the lowest quality that passes.
        reasons: whether to name the defects of images that fail.

    Raises:
        ConfigurationError: if it is out of that range.
    """

    scorer: Callable[..., ScoredBatch]
    min_quality: int
    reasons: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.min_quality <= 100:
            raise ConfigurationError(f"Expected `min_quality` in 0..100, but got {self.min_quality}")

    @overload  # an array is iterable, too
    def __call__(self, images: OneImage) -> Verdict: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, images: Iterable[Any]) -> list[Verdict]: ...

    def __call__(self, images: Any) -> Verdict | list[Verdict]:
        """Judge one image, or many: whatever a QualityScorer takes. One image that is bad fails with the reason."""
        verdicts = self.judge(self.scorer(images, reasons=True) if self.reasons else self.scorer(images))
        return verdicts[0] if is_one_image(images) else verdicts

    def judge(self, scores: QualityBatch) -> list[Verdict]:
        """Judge images that have been scored, such as by `watch`."""
        if isinstance(scores, ScoredBatch):
            return [
                self._verdict(row.quality, reason, row.defects)
                for row, reason in zip(scores, scores.reason, strict=True)
            ]
        return [self._verdict(quality, NOT_FINITE) for quality in scores.quality.tolist()]

    def _verdict(self, quality: int, reason: str, defects: tuple[str, ...] = ()) -> Verdict:
        if quality < 0:
            return Verdict(passed=False, reason=reason, quality=quality)
        if quality >= self.min_quality:
            return Verdict(passed=True, reason="", quality=quality)
        named = f": {', '.join(defects)}" if defects else ""
        return Verdict(False, f"quality {quality} is below {self.min_quality}{named}", quality, defects)
