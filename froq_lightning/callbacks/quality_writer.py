"""After `predict`: one CSV with a row for every image that was asked for, in input order."""

import csv
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter

from froq_lightning.callbacks.tables import write_csv
from froq_lightning.data.records import FaceBatch
from froq_lightning.errors import DataError
from froq_lightning.module import QualityBatch

COLUMNS = ("image", "quality_score", "quality", "status", "reason")
Row = tuple[Any, ...]


class QualityWriter(BasePredictionWriter):
    """Writes the scores to a CSV file, batch by batch.

    Columns: image; quality_score (raw, higher is better); quality (0..100, the percentage of the calibration set that
    scored lower; -1 if the image failed); status (ok or failed); reason (why it failed, or a remark).

    Every process writes a part of its own; the first one merges them, and the file appears when it is complete.

    Args:
        path: of the CSV file.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__("batch")
        self.path = Path(path)
        self.statuses: Counter[str] = Counter()
        self._part: IO[str] | None = None

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open this process's part."""
        del pl_module
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self._part_path(trainer.global_rank).open("w", encoding="utf-8", newline="")

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: QualityBatch,
        batch_indices: Sequence[int] | None,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Append the rows of a batch."""
        del trainer, pl_module, batch_indices, batch_idx, dataloader_idx
        if self._part is not None:
            csv.writer(self._part, lineterminator="\n").writerows(sorted(batch_rows(batch, prediction)))
            self._part.flush()

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Merge the parts of all processes into the file."""
        del pl_module
        self._close()
        trainer.strategy.barrier("froq_scores_written")
        if trainer.is_global_zero:
            asked = len(trainer.predict_dataloaders.dataset)  # type: ignore[union-attr]
            parts = [self._part_path(rank) for rank in range(trainer.world_size)]
            written = write_csv(self.path, COLUMNS, self._merged(parts))
            if written != asked:
                raise DataError(f"{self.path} has {written} rows for {asked} images")
            for part in parts:
                part.unlink()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave no open file behind."""
        del trainer, pl_module, exception
        self._close()

    def _merged(self, parts: Sequence[Path]) -> Iterator[Row]:
        """Yield the rows by sample index, each sample once."""
        with ExitStack() as stack:
            readers = [csv.reader(stack.enter_context(part.open(encoding="utf-8", newline=""))) for part in parts]
            previous = ""
            for index, *row in heapq.merge(*readers, key=lambda row: int(row[0])):
                if index != previous:
                    self.statuses[row[3]] += 1
                    yield tuple(row)
                previous = index

    def _part_path(self, rank: int) -> Path:
        return self.path.with_name(f".{self.path.name}.part{rank}")

    def _close(self) -> None:
        if self._part is not None:
            self._part.close()
            self._part = None


def batch_rows(batch: FaceBatch, prediction: QualityBatch) -> list[Row]:
    """Rows of a batch: sample index, then the columns of the file."""
    scored = zip(
        batch.sample_index.tolist(),
        batch.keys,
        prediction.quality_score.tolist(),
        prediction.quality.tolist(),
        batch.notes,
        strict=True,
    )
    rows: list[Row] = [(index, key, f"{score:.9g}", quality, "ok", note) for index, key, score, quality, note in scored]
    return rows + [(sample.index, sample.key, "", -1, "failed", sample.note) for sample in batch.failures]
