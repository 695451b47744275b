"""RCE, the rank consistency of images, as a torchmetrics metric."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.error_rates import require_fmr
from froq_lightning.evaluation.rce import rank_consistency
from froq_lightning.metrics.trial_metric import TrialMetric


class RankConsistency(TrialMetric):
    """Weighted rank correlation between the quality of images and the errors they cause; -1..1, higher is better.

    Args:
        gamma: exponent of the weights: 0 for all images alike; with 3, those that do most harm count most.
        fmr: false match rate of the threshold, 0..1.
        kwargs: of `torchmetrics.Metric`.
    """

    higher_is_better = True

    def __init__(self, gamma: float = 3.0, fmr: float = 1e-3, **kwargs: Any) -> None:
        super().__init__("scores", "mated", "first", "second", "quality_first", "quality_second", **kwargs)
        require_fmr(fmr)
        self.gamma, self.fmr = gamma, fmr

    def update(
        self,
        scores: Tensor,
        mated: Tensor,
        images: tuple[Tensor, Tensor],
        quality: tuple[Tensor, Tensor],
    ) -> None:
        """Add `[B]` trials.

        Args:
            scores: comparison scores in -1..1, higher is more alike.
            mated: whether both sides show the same subject.
            images: numbers of the images on either side, `[B]` int64 each.
            quality: of the images on either side, `[B]` each, higher is better; NaN where it is missing.
        """
        self._append(scores, mated, *images, *quality)

    def compute(self) -> Tensor:
        """Return the correlation, a float64 scalar; NaN where it is not defined."""
        scores, mated, first, second, *qualities = self._comparable()
        images, number = np.unique(np.concatenate([first, second]), return_inverse=True)
        quality = np.full(len(images), np.nan)
        quality[number] = np.concatenate(qualities)
        first, second = np.split(number, 2)
        trials = Trials(scores, mated, first, second, subjects=np.arange(len(images)))
        return torch.tensor(rank_consistency(trials, quality, self.fmr, self.gamma), dtype=torch.float64)
