"""After `predict`: the embeddings of the same passes that gave the scores, a row for every image that was asked for."""

import heapq
import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.data.records import FaceBatch
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule, QualityBatch
from froq_lightning.runs.processes import gathered

Rows = npt.NDArray[np.float32]
ROWS_AT_ONCE = 4096


class EmbeddingWriter(Callback):
    """Writes the embeddings to a file whose rows are those of the scores, in the same order.

    `.npy`: `[N, D]` float32, NaN for images that failed. `.parquet`: columns `image` and `embedding` (D float32, null
    for images that failed). Embeddings are as the network gives them, of whatever length.

    Every process writes a part of its own; the first one merges them, and the file appears when it is complete.

    Args:
        path: of the file.

    Raises:
        ConfigurationError: for another kind of file, or Parquet without pyarrow.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.suffix not in (".npy", ".parquet"):
            raise ConfigurationError(f"Expected embeddings to go to a .npy or .parquet file, but got {str(path)!r}")
        if self.path.suffix == ".parquet" and find_spec("pyarrow") is None:
            hint = "run `pip install 'froq-lightning[parquet]'`, or give a .npy file"
            raise ConfigurationError(f"Expected pyarrow, which writes Parquet, to be installed; {hint}")
        self._part: IO[bytes] | None = None
        self._dimension = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Ask the module for embeddings."""
        del trainer
        if stage == "predict":
            if not isinstance(pl_module, FroqModule):
                raise ConfigurationError(f"EmbeddingWriter works with FroqModule, not {type(pl_module).__name__}")
            pl_module.embeddings = True

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open this process's part."""
        del pl_module
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self._part_path(trainer.global_rank).open("wb")

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Append the rows of a batch."""
        del trainer, pl_module, batch_idx, dataloader_idx
        scored: QualityBatch = outputs
        if self._part is not None and scored.embeddings is not None and len(scored.embeddings):
            self._dimension = scored.embeddings.shape[1]
            rows = np.empty(len(scored.embeddings), _row_type(self._dimension))
            rows["index"], rows["embedding"] = batch.sample_index.cpu().numpy(), scored.embeddings.numpy()
            self._part.write(rows.tobytes())

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Merge the parts of all processes into the file."""
        del pl_module
        self._close()
        dimension = max(gathered({trainer.global_rank: self._dimension}).values())
        if not trainer.is_global_zero:
            return
        parts = [self._part_path(rank) for rank in range(trainer.world_size)]
        keys = [record.key for record in cast("Any", trainer.predict_dataloaders).dataset.records]
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        write = _write_parquet if self.path.suffix == ".parquet" else _write_numpy
        write(partial, keys, _blocks(_merged(parts, dimension), len(keys), dimension), dimension)
        partial.replace(self.path)
        for part in parts:
            part.unlink()
        print(f"embeddings: {self.path}")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave no open file behind."""
        del trainer, pl_module, exception
        self._close()

    def _part_path(self, rank: int) -> Path:
        return self.path.with_name(f".{self.path.name}.part{rank}")

    def _close(self) -> None:
        if self._part is not None:
            self._part.close()
            self._part = None


def _row_type(dimension: int) -> np.dtype[Any]:
    return np.dtype([("index", "<i8"), ("embedding", "<f4", (dimension,))])


def _merged(parts: Sequence[Path], dimension: int) -> Iterator[tuple[int, Rows]]:
    """Yield the rows of all parts by rising sample index."""
    return heapq.merge(*(_rows(part, dimension) for part in parts), key=lambda row: row[0])


def _rows(part: Path, dimension: int) -> Iterator[tuple[int, Rows]]:
    with part.open("rb") as file:
        while len(rows := np.fromfile(file, _row_type(dimension), ROWS_AT_ONCE)):
            yield from zip(rows["index"].tolist(), rows["embedding"], strict=True)


def _blocks(rows: Iterator[tuple[int, Rows]], count: int, dimension: int) -> Iterator[Rows]:
    """Yield `[b, D]` blocks that hold one row per sample, NaN where there is none."""
    following = next(rows, None)
    for start in range(0, count, ROWS_AT_ONCE):
        block = np.full((min(ROWS_AT_ONCE, count - start), dimension), np.nan, "<f4")
        while following is not None and following[0] < start + len(block):
            block[following[0] - start] = following[1]
            following = next(rows, None)
        yield block


def _write_numpy(path: Path, keys: Sequence[str], blocks: Iterator[Rows], dimension: int) -> None:
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(keys), dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(block.tobytes())


def _write_parquet(path: Path, keys: Sequence[str], blocks: Iterator[Rows], dimension: int) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    kind = pa.list_(pa.float32(), dimension)
    schema = pa.schema([("image", pa.string()), ("embedding", kind)])
    names = iter(keys)
    with parquet.ParquetWriter(path, schema) as writer:
        for block in blocks:
            failed = pa.array(np.isnan(block).all(axis=1))
            values = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), type=kind, mask=failed)
            images = pa.array(list(islice(names, len(block))), pa.string())
            writer.write_table(pa.table([images, values], schema=schema))
