"""Metrics of comparison trials for torchmetrics: trials are gathered across batches and processes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.edc import ErrorVersusDiscardCurve, error_versus_discard
from froq_lightning.evaluation.error_rates import false_non_match_rate, require_fmr, threshold_at_fmr
from froq_lightning.evaluation.rce import rank_consistency

FLAGS = ("mated",)
NUMBERS = ("first", "second")


class TrialMetric(Metric):
    """Keeps columns of trials, in float64 but for flags and numbers.

    Each begins with a piece without rows, so that a process without any trial gathers the type that the others have.

    Args:
        columns: their names.
        kwargs: of `torchmetrics.Metric`.
    """

    full_state_update = False

    def __init__(self, *columns: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        for name in columns:
            self.add_state(name, [], dist_reduce_fx="cat")
        self._begin()

    def reset(self) -> None:
        """Forget all trials."""
        super().reset()
        self._begin()

    def _begin(self) -> None:
        for name in self.columns:
            kind = torch.bool if name in FLAGS else torch.int64 if name in NUMBERS else torch.float64
            setattr(self, name, [torch.zeros(0, dtype=kind, device=self.device)])

    def _append(self, *columns: Tensor) -> None:
        """Append `[B]` columns of equal length, in the order of their names."""
        shapes = {tuple(column.shape) for column in columns}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise DataError(f"Expected one-dimensional arguments of one length, but got shapes {sorted(shapes)}")
        for name, column in zip(self.columns, columns, strict=True):
            pieces = getattr(self, name)
            pieces.append(column.to(pieces[0]))

    def _comparable(self) -> list[npt.NDArray[Any]]:
        """Return the columns, in the order of their names, without the trials that have no comparison score."""
        values = [dim_zero_cat(getattr(self, name)).cpu().numpy() for name in self.columns]
        usable = np.isfinite(values[0])
        return [column[usable] for column in values]


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
