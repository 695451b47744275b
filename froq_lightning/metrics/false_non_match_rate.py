"""The false non-match rate at a false match rate as a torchmetrics metric."""

from typing import Any

import torch
from torch import Tensor

from froq_lightning.evaluation.error_rates import false_non_match_rate, require_fmr, threshold_at_fmr
from froq_lightning.metrics.trial_metric import TrialMetric


class FalseNonMatchRate(TrialMetric):
    """FNMR at the lowest threshold whose FMR does not exceed the wanted one; 0..1, lower is better.

    Args:
        fmr: false match rate, 0..1.
        kwargs: of `torchmetrics.Metric`.
    """

    higher_is_better = False

    def __init__(self, fmr: float = 1e-3, **kwargs: Any) -> None:
        super().__init__("scores", "mated", **kwargs)
        require_fmr(fmr)
        self.fmr = fmr

    def update(self, scores: Tensor, mated: Tensor) -> None:
        """Add `[B]` trials: comparison scores (higher is more alike), and whether they are mated."""
        self._append(scores, mated)

    def compute(self) -> Tensor:
        """Return the rate, a float64 scalar; NaN without mated or non-mated trials."""
        scores, mated = self._comparable()
        threshold = threshold_at_fmr(scores[~mated], self.fmr)
        return torch.tensor(false_non_match_rate(scores[mated], threshold), dtype=torch.float64)
