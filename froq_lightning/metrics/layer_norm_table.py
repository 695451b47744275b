"""The table that calibration fills: one row of layer norms and a label for every image of the set."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torchmetrics import Metric

from froq_lightning.errors import CalibrationError

EMPTY = -1


@dataclass(frozen=True)
class CalibrationTable:
    """The images of a calibration set that could be used, by ascending sample index.

    Args:
        sample_index: `[N]` positions in the data set.
        norms: `[N, L]` layer norms.
        pseudo_quality: `[N]` labels.
        missing: the other samples of the set.
    """

    sample_index: Tensor
    norms: Tensor
    pseudo_quality: Tensor
    missing: tuple[int, ...]

    @classmethod
    def from_rows(cls, rows: Tensor) -> Self:
        """Split the rows that `LayerNormTable` computed into usable and missing samples."""
        usable = rows[:, -1].isfinite()
        index = torch.arange(len(rows))
        return cls(index[usable], rows[usable, :-1], rows[usable, -1], tuple(index[~usable].tolist()))


class LayerNormTable(Metric):
    """Gathers layer norms and labels across batches and processes.

    The rows are allocated beforehand: small tensors kept between the network's large temporary ones would make memory
    grow with every batch. A process holds `rows * (layers + 1)` float32 values, and all of them when it gathers.

    Args:
        rows: that this process will see at most, repeated samples included.
        layers: number of layers.
    """

    full_state_update = False
    sample_index: Tensor
    values: Tensor

    def __init__(self, rows: int, layers: int) -> None:
        super().__init__()
        self.used = 0
        self.add_state("sample_index", torch.full((rows,), EMPTY), dist_reduce_fx="cat")
        self.add_state("values", torch.full((rows, layers + 1), torch.nan), dist_reduce_fx="cat")

    def update(self, sample_index: Tensor, norms: Tensor, pseudo_quality: Tensor) -> None:
        """Add `[B]` samples with their `[B, L]` norms and `[B]` labels."""
        rows = slice(self.used, self.used + len(sample_index))
        if rows.stop > len(self.sample_index):
            raise CalibrationError(f"Expected at most {len(self.sample_index)} samples, but got {rows.stop}")
        self.sample_index[rows] = sample_index
        self.values[rows, :-1] = norms.to(self.values)
        self.values[rows, -1] = pseudo_quality.to(self.values)
        self.used = rows.stop

    def update_missing(self, sample_index: Tensor) -> None:
        """Add `[B]` samples that could not be used."""
        nothing = self.values.new_full((len(sample_index), self.values.shape[1]), torch.nan)
        self.update(sample_index, nothing[:, 1:], nothing[:, 0])

    def reset(self) -> None:
        """Forget all samples."""
        super().reset()
        self.used = 0

    def compute(self) -> Tensor:
        """Return `[N, L + 1]` float32: row i holds the norms and, last, the label of sample i; NaN where it is missing.

        Raises:
            CalibrationError: if samples of the set never arrived.
        """
        filled = self.sample_index != EMPTY
        index, order = self.sample_index[filled].cpu().sort(stable=True)
        first = torch.ones_like(index, dtype=torch.bool)
        first[1:] = index[1:] != index[:-1]
        if not torch.equal(index[first], torch.arange(int(first.sum()))):
            raise CalibrationError(
                f"samples were lost: {int(first.sum())} arrived, the highest index is {int(index[-1])}"
            )
        return self.values[filled].cpu()[order][first]
