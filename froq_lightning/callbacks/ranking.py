"""The best and the worst images of a run, kept while any number passes by."""

from pathlib import Path
from typing import Generic, TypeVar

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.callbacks.quality_writer import predicted
from froq_lightning.runs.prediction import Prediction, ScoredRow
from froq_lightning.terminal import text_table

FAILURES_SHOWN = 5
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
    """Prints the best and the worst images after `predict`, and how many failed and why; behind a QualityWriter.

    Args:
        path: of the scores, named at the end.
        ends: number of images shown at either end.
    """

    def __init__(self, path: str | Path, ends: int = 10) -> None:
        self.path = Path(path)
        self.ends = ends

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table."""
        if not trainer.is_global_zero:
            return
        prediction = predicted(pl_module, type(self).__name__)
        ranking, failures = ranked(prediction, self.ends), _failures(prediction)
        rows = [[str(row.quality), f"{row.quality_score:.4f}", row.image, row.reason] for row in ranking.best_first()]
        if ranking.seen > len(rows):
            rows.insert(len(rows) // 2, ["…", "…", f"… {ranking.seen - len(rows)} more", ""])
        print("\nquality 0..100: percentage of the calibration faces that scored lower; higher is better")
        print(text_table(["quality", "quality_score", "image", "remark"], rows))
        if failures:
            print(f"{len(failures)} could not be scored: {'; '.join(failures[:FAILURES_SHOWN])}", end="")
            print("; …" * (len(failures) > FAILURES_SHOWN))
        print(f"scores: {self.path}")


def ranked(prediction: Prediction, ends: int) -> Ranking[ScoredRow]:
    """Rank the images that were scored."""
    ranking: Ranking[ScoredRow] = Ranking(ends)
    for row in prediction.rows():
        if row.quality_score is not None:
            ranking.add(row.quality_score, row.sample_index, row)
    return ranking


def _failures(prediction: Prediction) -> list[str]:
    return [f"{row.image}: {row.reason}" for row in prediction.rows() if row.status == "failed"]
