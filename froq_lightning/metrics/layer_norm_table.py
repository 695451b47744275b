"""The table that calibration fills: layer norms, a label and perhaps an embedding for every image of the set."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.distributed import gather_all_tensors

from froq_lightning.errors import CalibrationError

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
        rows_left = table[: len(index)]
        return cls(index, rows_left[:, :-1], rows_left[:, -1], tuple((~usable).nonzero()[:, 0].tolist()))


class LayerNormTable(Metric):
    """Gathers layer norms and labels, and what a labeller of whole sets needs, across batches and processes.

    The memory of a process is allocated beforehand, since small tensors kept between the network's large temporary ones
    would make it grow with every batch: `rows * (layers + 1)` float32 values, and with the first embeddings so many for
    these. To compute takes the table of all N samples besides, `N * (layers + 1)` float32 values in the host's memory,
    and blocks of it: about 150 MB, or 100 bytes for each of more than a million samples.

    Args:
        rows: that this process will see at most, repeated samples included.
        layers: number of layers.
    """

    full_state_update = False
    sample_index: Tensor
    values: Tensor
    embeddings: Tensor
    origins: Tensor
    used: int

    def __init__(self, rows: int, layers: int) -> None:
        super().__init__(sync_on_compute=False, compute_with_cache=False)
        self.shape = (layers + 1, rows)
        # A state has a default, which is a copy: so none begins with its rows.
        self.add_state("sample_index", torch.zeros(0, dtype=torch.int64), dist_reduce_fx=None)
        self.add_state("values", torch.zeros(layers + 1, 0), dist_reduce_fx=None)
        self.add_state("embeddings", torch.zeros(0, 0), dist_reduce_fx=None)
        self.add_state("origins", torch.zeros(2, 0, dtype=torch.int64), dist_reduce_fx=None)
        self._allocate()

    def update(
        self,
        sample_index: Tensor,
        norms: Tensor,
        pseudo_quality: Tensor,
        origins: Tensor | None = None,
        embeddings: Tensor | None = None,
    ) -> None:
        """Add `[B]` samples.

        Args:
            sample_index: `[B]` positions in the data set.
            norms: `[B, L]` layer norms.
            pseudo_quality: `[B]` labels.
            origins: `[2, B]` int64: subjects, -1 where unknown, and sample indices of the images that degraded copies
                were made from; without them no subject is known, and no sample is a copy.
            embeddings: `[B, D]`, or whatever is kept of an image until the set is labelled, if that is needed.
        """
        rows = slice(self.used, self.used + len(sample_index))
        if rows.stop > len(self.sample_index):
            raise CalibrationError(f"Expected at most {len(self.sample_index)} samples, but got {rows.stop}")
        self.sample_index[rows] = sample_index
        self.values[:-1, rows] = norms.T.to(self.values)
        self.values[-1, rows] = pseudo_quality.to(self.values)
        self.origins[1, rows] = self.sample_index[rows]
        if origins is not None:
            self.origins[:, rows] = origins.to(self.origins)
        if embeddings is not None:
            if not len(self.embeddings):
                self.embeddings = self.values.new_full((embeddings.shape[1], self.shape[1]), torch.nan)
            self.embeddings[:, rows] = embeddings.T.to(self.values)
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
        # An array, since torchmetrics clones the tensors that a metric computes.
        return self._gathered(self.values).numpy()

    def all_origins(self) -> Tensor:
        """Return `[N, 2]` int64: subject, -1 where unknown, and the sample index of the original of every sample."""
        return self._gathered(self.origins)

    def all_embeddings(self, dimension: int) -> Tensor:
        """Return the `[N, dimension]` embeddings, NaN where there is none, also if this process has not seen any."""
        none = self.values.new_full((dimension, self.used), torch.nan)
        return self._gathered(self.embeddings if len(self.embeddings) else none)

    def _gathered(self, values: Tensor) -> Tensor:
        """Bring `[C, rows]` values of all processes into one `[N, C]` table, in the order of the samples."""
        index, values = self.sample_index[: self.used], values[:, : self.used]
        exchange = _Exchange(self.used, index.device, self.process_group)
        rows = _rows_of_samples(torch.cat([part.cpu() for part in exchange.in_turn(index)]))
        places = [((part >= 0).nonzero()[:, 0], part[part >= 0]) for part in rows.split(exchange.lengths)]
        table = torch.empty(len(values), sum(len(row) for _, row in places), dtype=values.dtype)
        columns = max(1, BLOCK // max(1, table.shape[1]))
        for own, block in zip(values.split(columns), table.split(columns), strict=True):
            for (counted, row), part in zip(places, exchange.in_turn(own), strict=True):
                block.index_copy_(1, row, part.cpu().index_select(1, counted))
        return table.T

    def _allocate(self) -> None:
        columns, rows = self.shape
        self.used = 0
        self.sample_index = self.sample_index.new_zeros(rows)
        self.values = self.values.new_zeros(columns, rows)
        self.embeddings = self.values.new_zeros(0, rows)
        self.origins = self.origins.new_full((2, rows), -1)


def _rows_of_samples(sample_index: Tensor) -> Tensor:
    """Row of every sample in the whole table, which must leave none out; -1 for a sample that came before."""
    index, order = sample_index.sort(stable=True)
    first = torch.ones_like(index, dtype=torch.bool)
    first[1:] = index[1:] != index[:-1]
    index, order = index[first], order[first]
    if not torch.equal(index, torch.arange(len(index))):
        raise CalibrationError(f"samples were lost: {len(index)} arrived, the highest index is {int(index[-1])}")
    return torch.full_like(sample_index, -1).index_copy_(0, order, index)


class _Exchange:
    """Shows the processes each other's tensors, one at a time, so that none holds more than one of another process.

    The last dimension of these tensors differs in length between processes.

    Args:
        length: of this process's tensors.
        device: that they are on.
        group: of the processes, by default all of them. Where there is only one, nothing is sent.
    """

    def __init__(self, length: int, device: torch.device, group: Any = None) -> None:
        self.group = group
        self.rank = 0
        self.lengths = [length]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            self.rank = torch.distributed.get_rank()
            lengths = gather_all_tensors(torch.tensor([length], device=device), group)
            self.lengths = torch.cat(lengths).tolist()

    def in_turn(self, own: Tensor) -> Iterator[Tensor]:
        """Yield the `[..., length]` tensor of every process, in the order of the processes."""
        if len(self.lengths) == 1:
            yield own
            return
        numbers = torch.distributed.get_process_group_ranks(self.group or torch.distributed.group.WORLD)
        for source, length in zip(numbers, self.lengths, strict=True):
            part = own.contiguous() if source == self.rank else own.new_empty(*own.shape[:-1], length)
            torch.distributed.broadcast(part, source, self.group)
            yield part
