"""The best and the worst images of a run, kept while any number passes by."""

from pathlib import Path
from typing import Any, Generic, TypeVar

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.data.records import FaceBatch
from froq_lightning.module import QualityBatch
from froq_lightning.terminal import text_table

Item = TypeVar("Item")


class Ranking(Generic[Item]):
    """Keeps the `ends` best and the `ends` worst items.

    Args:
        ends: number of items kept at either end.
    """

    def __init__(self, ends: int) -> None:
        self.ends = ends
        self.seen = 0
        self._kept: list[tuple[float, int, Item]] = []

    def add(self, score: float, index: int, item: Item) -> None:
        """Offer an item; `index` breaks ties."""
        self.seen += 1
        self._kept.append((-score, index, item))
        if len(self._kept) >= 6 * self.ends:
            self._prune()

    def best_first(self) -> list[Item]:
        """Return the kept items, the best first; all of them if there are no more than twice `ends`."""
        self._prune()
        return [item for _, _, item in self._kept]

    def _prune(self) -> None:
        self._kept.sort(key=lambda entry: entry[:2])
        if len(self._kept) > 2 * self.ends:
            self._kept = self._kept[: self.ends] + self._kept[-self.ends :]


class RankedTable(Callback):
    """Prints the best and the worst images after `predict`, and how many failed and why.

    Args:
        path: of the scores, named at the end.
        ends: number of images shown at either end.
    """

    def __init__(self, path: str | Path, ends: int = 10) -> None:
        self.path = Path(path)
        self.ranking: Ranking[list[str]] = Ranking(ends)
        self.failures: list[str] = []
        self.failed = 0

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Offer the images of a batch."""
        del trainer, pl_module, batch_idx, dataloader_idx
        scores: QualityBatch = outputs
        columns = (batch.sample_index.tolist(), batch.keys, scores.quality_score.tolist(), scores.quality.tolist())
        for (index, key, score, quality), note in zip(zip(*columns, strict=True), batch.notes, strict=True):
            self.ranking.add(score, index, [str(quality), f"{score:.4f}", key, note])
        self.failed += len(batch.failures)
        self.failures += [f"{sample.key}: {sample.note}" for sample in batch.failures][: 5 - len(self.failures)]

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table; with several processes, of the images that the first one scored."""
        del pl_module
        if not trainer.is_global_zero:
            return
        rows = self.ranking.best_first()
        if self.ranking.seen > len(rows):
            rows.insert(len(rows) // 2, ["…", "…", f"… {self.ranking.seen - len(rows)} more", ""])
        print("\nquality 0..100: percentage of the calibration faces that scored lower; higher is better")
        print(text_table(["quality", "quality_score", "image", "remark"], rows))
        if self.failed:
            print(f"{self.failed} could not be scored: " + "; ".join(self.failures) + ("; …" * (self.failed > 5)))
        print(f"scores: {self.path}")
