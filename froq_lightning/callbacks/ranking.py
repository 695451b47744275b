"""The best and the worst images of a run, kept while any number passes by."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.calibration import doubts
from froq_lightning.callbacks.quality_writer import predicted
from froq_lightning.module import FroqModule
from froq_lightning.runs.prediction import Prediction, ScoredRow
from froq_lightning.runs.trainer_options import limits
from froq_lightning.terminal import text_table

FAILURES_SHOWN = 5
# Name of the metric that tells how many images were scored.
SCORED = "images_scored"
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

    `Trainer.callback_metrics["images_scored"]` says how many did not fail.

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
        found = ranked(predicted(pl_module, type(self).__name__), self.ends)
        trainer.callback_metrics[SCORED] = torch.tensor(found.ranking.seen)  # `ddp_spawn` hands metrics back
        best = found.ranking.best_first()
        rows = [[str(row.quality), f"{row.quality_score:.4f}", row.image, row.reason] for row in best]
        if found.ranking.seen > len(rows):
            rows.insert(len(rows) // 2, ["…", "…", f"… {found.ranking.seen - len(rows)} more", ""])
        print("\nquality 0..100: percentage of the calibration faces that scored lower; higher is better")
        if isinstance(pl_module, FroqModule) and pl_module.observer is not None:
            known = (doubts.of_scores(pl_module.observer), doubts.of_scale(pl_module.observer))
            print("".join(f"! {doubt}\n" for doubt in known if doubt), end="")
        print(text_table(["quality", "quality_score", "image", "remark"], rows))
        if found.failed:
            told = "; ".join(found.failures) + ("; …" * (found.failed > FAILURES_SHOWN))
            print(f"{found.failed} could not be scored: {told}")
        for name, limit in limits(trainer, "predict").items():
            print(f"trainer.{name} {limit}: {found.ranking.seen + found.failed} images were asked for, not all")
        print(f"scores: {self.path}")


@dataclass
class Ranked:
    """The images of a run: a ranking of those that were scored, how many were not, and why the first of these."""

    ranking: Ranking[ScoredRow]
    failed: int = 0
    failures: list[str] = field(default_factory=list)


def ranked(prediction: Prediction, ends: int) -> Ranked:
    """Rank the images that were scored, and count the others."""
    found = Ranked(Ranking(ends))
    for row in prediction.rows():
        if row.quality_score is not None:
            found.ranking.add(row.quality_score, row.sample_index, row)
        else:
            found.failed += 1
            if found.failed <= FAILURES_SHOWN:
                found.failures.append(f"{row.image}: {row.reason}")
    return found
