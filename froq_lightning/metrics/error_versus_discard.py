"""The area under the error-versus-discard curve as a torchmetrics metric."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.edc import ErrorVersusDiscardCurve, error_versus_discard
from froq_lightning.evaluation.error_rates import require_fmr
from froq_lightning.metrics.trial_metric import TrialMetric


class ErrorVersusDiscard(TrialMetric):
    """Partial area under the error-versus-discard curve (pAUC); lower is better.

    Args:
        convention: preset `froq`, `cr-fiqa` or `iso`, or a mapping `{preset: name, knob: value, …}`.
        fmr: false match rate of the threshold, 0..1.
        kwargs: of `torchmetrics.Metric`.

    Example:
        >>> metric = ErrorVersusDiscard("iso", fmr=0.5)
        >>> metric.update(torch.tensor([0.9, 0.1, 0.2]), torch.tensor([1, 1, 0]), torch.tensor([0.8, 0.3, 0.5]))
        >>> float(metric.compute())
        0.15
    """

    higher_is_better = False

    def __init__(self, convention: str | Mapping[str, Any] = "froq", fmr: float = 1e-3, **kwargs: Any) -> None:
        super().__init__("scores", "mated", "quality", **kwargs)
        require_fmr(fmr)
        self.convention, self.fmr = create_convention(convention), fmr
        if self.convention.measure != "edc":
            raise ConfigurationError(f"{self.convention.name!r} has no curve; use RankConsistency")

    def update(self, scores: Tensor, mated: Tensor, quality: Tensor) -> None:
        """Add `[B]` trials: comparison scores (higher is more alike), mated or not, and the quality of the pairs.

        The quality of a pair is the smaller of its two; NaN where one is missing.
        """
        self._append(scores, mated, quality)

    def curve(self) -> ErrorVersusDiscardCurve:
        """Compute the curve of the trials that this process has seen."""
        scores, mated, quality = self._comparable()
        return error_versus_discard(scores, mated, quality, self.convention, self.fmr)

    def compute(self) -> Tensor:
        """Return the area, a float64 scalar; NaN where it is not defined."""
        return torch.tensor(self.curve().area, dtype=torch.float64)
