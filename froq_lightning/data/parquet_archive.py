"""Images in a column of Parquet files, read from the batch of rows that each stands in."""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from froq_lightning.backbones.spec import Pixels
from froq_lightning.bounded_io import name_in_errors
from froq_lightning.data.images import decode_image
from froq_lightning.data.shards import Shard
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError, ImageError, StoreError
from froq_lightning.stored_files import Stamp, file_name, is_address, opened, stamp_of

ROWS_AT_A_TIME = 64
BUFFER = 2**20  # bytes of a column; without a buffer, a row group's column is read at once


@dataclass(frozen=True)
class Batch:
    """Some rows of a row group, and those behind them.

    Args:
        shard: number of the file.
        first: number of the first row in the file.
        end: number of the row behind the last one.
        last: number of the row behind the row group.
        rest: batches of the rows that follow.
        resources: what is to be closed when it is given up.
        cells: encoded images.
        failure: why the rows that follow cannot be read; empty if nothing is known against it.
    """

    shard: int
    first: int
    end: int
    last: int
    rest: Iterator[Any]
    resources: ExitStack
    cells: Any = ()
    failure: str = ""

    def following(self) -> "Batch":
        """Read the next rows, or say why that fails."""
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra

        try:
            batch = next(self.rest)
        except StopIteration:
            return replace(self, failure="a row group has less rows than it states")
        except (ArrowException, OSError) as error:
            return replace(self, failure=str(error))
        return replace(self, first=self.end, end=self.end + batch.num_rows, cells=cells_of(batch))


@dataclass(frozen=True, eq=False)
class ParquetArchive:
    """The archive. Every process that it is sent to opens the files anew.

    Args:
        shards: the files.
        ends: for every file, how many rows there are up to its last one.
        column: of the images.
        stamp: of all files.
    """

    shards: Sequence[Shard]
    ends: Sequence[int]
    column: str
    stamp: Stamp
    _batches: dict[int, Batch] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_batches": {}}

    def place(self, position: int) -> tuple[int, int]:
        """Return the number of the shard that an image is in, and that of its row."""
        shard = bisect_right(self.ends, position)
        return shard, position - (self.ends[shard - 1] if shard else 0)

    def read(self, position: int) -> tuple[Pixels, str]:
        """Read the image at a position; see `Archive`."""
        shard, row = self.place(position)
        batch = self._batch(shard, row)
        return decode_image(batch.cells[row - batch.first].as_py() or b"")

    def _batch(self, shard: int, row: int) -> Batch:
        """Return the batch that holds a row: the one at hand, one behind it, or one of a row group opened anew."""
        batch = self._batches.get(os.getpid())  # a process has no use for what another one opened
        if batch is None or batch.shard != shard or not batch.first <= row < batch.last:
            if batch is not None:
                batch.resources.close()
            batch = self._opened(shard, row)
        while row >= batch.end and not batch.failure:
            batch = batch.following()
        self._batches[os.getpid()] = batch
        if row >= batch.end:
            name = file_name(self.shards[shard].address)
            raise ImageError(f"{name} is damaged behind row {batch.end:,}: {batch.failure}")
        return batch

    def _opened(self, shard: int, row: int) -> Batch:
        """Open the row group that holds a row, in front of its first batch.

        Raises:
            ImageError: if that fails.
            StoreError: if an object store does not answer: then the run ends, and goes on later.
        """
        file, resources = self.shards[shard], ExitStack()
        try:
            if not is_address(file.address) and stamp_of(file.address) != file.stamp:
                raise ImageError(f"{file_name(file.address)} has changed since the run began")
            content = resources.enter_context(open_parquet(file.address))
        except StoreError:
            raise
        except (DataError, DataNotFoundError) as error:
            raise ImageError(str(error)) from error
        counts = [content.metadata.row_group(group).num_rows for group in range(content.metadata.num_row_groups)]
        ends = list(accumulate(counts))
        if (group := bisect_right(ends, row)) == len(ends):
            resources.close()
            raise ImageError(f"{file_name(file.address)} has less rows than it states")
        first, options = ends[group] - counts[group], {"columns": [self.column], "use_threads": False}
        rest = content.iter_batches(ROWS_AT_A_TIME, row_groups=[group], **options)
        return Batch(shard, first, first, ends[group], rest, resources)


@contextmanager
def open_parquet(address: str) -> Iterator[Any]:
    """Open a Parquet file.

    Raises:
        DataError: if it is none, or turns out to be damaged.
        ConfigurationError: if pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("Parquet needs pyarrow: pip install 'froq-lightning[parquet]'") from error
    name = file_name(address)
    with ExitStack() as resources, name_in_errors(name):
        try:
            source = resources.enter_context(opened(address))
            file = resources.enter_context(parquet.ParquetFile(source, buffer_size=BUFFER, pre_buffer=False))
            yield file
        except ArrowException as error:
            raise DataError(f"{name} is no Parquet file, or damaged: {error}") from error


def cells_of(batch: Any) -> Any:
    """Return the encoded images of a batch; of a missing structure, its bytes are missing."""
    from pyarrow import types  # noqa: PLC0415 - an extra

    column = batch.column(0)
    return column.flatten()[0] if types.is_struct(column.type) else column
