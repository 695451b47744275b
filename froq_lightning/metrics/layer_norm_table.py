"""The table that calibration fills: one row of layer norms and a label for every image of the set."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric

from froq_lightning.errors import CalibrationError
from froq_lightning.metrics.exchange import Exchange

# So many values are gathered at a time.
BLOCK = 4_000_000


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
    def from_rows(cls, rows: npt.NDArray[np.float32]) -> Self:
        """Split the rows that `LayerNormTable` computed into usable and missing samples.

        The usable ones close up over the missing ones in the memory of `rows`, since there may be no room for a copy.
        """
        table = torch.from_numpy(rows)
        usable = table[:, -1].isfinite()
        index = usable.nonzero()[:, 0]
        if len(index) < len(table):
            for column in table.T:
                column[: len(index)] = column[index]
        kept = table[: len(index)]
        return cls(index, kept[:, :-1], kept[:, -1], tuple((~usable).nonzero()[:, 0].tolist()))


class LayerNormTable(Metric):
    """Gathers layer norms and labels across batches and processes.

    The memory of a process is allocated beforehand, since small tensors kept between the network's large temporary ones
    would make it grow with every batch: `rows * (layers + 1)` float32 values. To compute takes the table of all N
    samples besides, `N * (layers + 1)` float32 values in the host's memory, and blocks of it: about 150 MB, or 100
    bytes for each of more than a million samples.

    Args:
        rows: that this process will see at most, repeated samples included.
        layers: number of layers.
    """

    full_state_update = False
    sample_index: Tensor
    values: Tensor
    used: int

    def __init__(self, rows: int, layers: int) -> None:
        super().__init__(sync_on_compute=False, compute_with_cache=False)
        self.shape = (layers + 1, rows)
        # A state has a default, which is a copy: so none begins with its rows.
        self.add_state("sample_index", torch.zeros(0, dtype=torch.int64), dist_reduce_fx=None)
        self.add_state("values", torch.zeros(layers + 1, 0), dist_reduce_fx=None)
        self._allocate()

    def update(self, sample_index: Tensor, norms: Tensor, pseudo_quality: Tensor) -> None:
        """Add `[B]` samples with their `[B, L]` norms and `[B]` labels."""
        rows = slice(self.used, self.used + len(sample_index))
        if rows.stop > len(self.sample_index):
            raise CalibrationError(f"Expected at most {len(self.sample_index)} samples, but got {rows.stop}")
        self.sample_index[rows] = sample_index
        self.values[:-1, rows] = norms.T.to(self.values)
        self.values[-1, rows] = pseudo_quality.to(self.values)
        self.used = rows.stop

    def update_missing(self, sample_index: Tensor) -> None:
        """Add `[B]` samples that could not be used."""
        nothing = self.values.new_full((len(sample_index), len(self.values)), torch.nan)
        self.update(sample_index, nothing[:, 1:], nothing[:, 0])

    def reset(self) -> None:
        """Forget all samples."""
        super().reset()
        self._allocate()

    def compute(self) -> npt.NDArray[np.float32]:
        """Return `[N, L + 1]`: row i holds the norms and, last, the label of sample i; NaN where it is missing.

        The samples of all processes are gathered a block of columns at a time. Of a sample that came more than once the
        first process's first row counts.

        Raises:
            CalibrationError: if samples of the set never arrived.
        """
        index, values = self.sample_index[: self.used], self.values[:, : self.used]
        exchange = Exchange(self.used, index.device, self.process_group)
        rows = _rows_of_samples(torch.cat([part.cpu() for part in exchange.in_turn(index)]))
        places = [((part >= 0).nonzero()[:, 0], part[part >= 0]) for part in rows.split(exchange.lengths)]
        table = torch.empty(len(values), sum(len(row) for _, row in places))
        columns = max(1, BLOCK // max(1, table.shape[1]))
        for own, block in zip(values.split(columns), table.split(columns), strict=True):
            for (counted, row), part in zip(places, exchange.in_turn(own), strict=True):
                block.index_copy_(1, row, part.cpu().index_select(1, counted))
        # An array, since torchmetrics clones the tensors that a metric computes.
        return table.T.numpy()

    def _allocate(self) -> None:
        columns, rows = self.shape
        self.used = 0
        self.sample_index = self.sample_index.new_zeros(rows)
        self.values = self.values.new_zeros(columns, rows)


def _rows_of_samples(sample_index: Tensor) -> Tensor:
    """Row of every sample in the whole table, which must leave none out; -1 for a sample that came before."""
    index, order = sample_index.sort(stable=True)
    first = torch.ones_like(index, dtype=torch.bool)
    first[1:] = index[1:] != index[:-1]
    index, order = index[first], order[first]
    if not torch.equal(index, torch.arange(len(index))):
        raise CalibrationError(f"samples were lost: {len(index)} arrived, the highest index is {int(index[-1])}")
    return torch.full_like(sample_index, -1).index_copy_(0, order, index)
