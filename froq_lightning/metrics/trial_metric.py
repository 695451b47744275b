"""What the metrics of comparison trials share: columns of trials, gathered across batches and processes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from froq_lightning.errors import DataError

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
