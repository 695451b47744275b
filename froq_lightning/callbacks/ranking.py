"""The best and the worst images of a run, found while any number of images passes by, and their table."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.calibration.observer_warnings import doubts
from froq_lightning.callbacks.quality_writer import predicted
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow
from froq_lightning.runs.trainer_options import limits
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import text_table

FAILURES_SHOWN = 5
# Name of the metric that tells how many images were scored.
SCORED = "images_scored"
Item = TypeVar("Item")


class Ranking(Generic[Item]):
    """Keeps the `ends` best and the `ends` worst of any number of items.

    Args:
        ends: number of items kept at either end.

    Attributes:
        count: number of items that were added.
    """

    def __init__(self, ends: int) -> None:
        self.ends = ends
        self.count = 0
        self._entries: list[tuple[float, int, Item]] = []

    def add(self, score: float, index: int, item: Item) -> None:
        """Add an item; of equal scores the lower `index` is the better one."""
        self.count += 1
        self._entries.append((-score, index, item))
        if len(self._entries) >= 6 * self.ends:  # seldom, so that most items cost no sorting
            self._prune()

    def best_first(self) -> list[Item]:
        """Return the items kept, the best first; all of them if there are no more than twice `ends`."""
        self._prune()
        return [item for _, _, item in self._entries]

    def _prune(self) -> None:
        self._entries.sort(key=lambda entry: entry[:2])
        if len(self._entries) > 2 * self.ends:
            self._entries = self._entries[: self.ends] + self._entries[-self.ends :]


@dataclass
class RankedRun:
    """The images of a run: a ranking of those that were scored, how many were not, and why the first of these."""

    ranking: Ranking[ScoredRow]
    failed: int = 0
    failures: list[str] = field(default_factory=list)


class RankedTable(Callback):
    """Prints the best and the worst images after `predict`, and how many failed and why; behind a QualityWriter.

    `Trainer.callback_metrics["images_scored"]` says how many did not fail.

    Args:
        path: of the scores, named at the end.
        ends: number of images shown at either end.
        worst: number of worst images shown, the very worst first, instead of both ends.
    """

    def __init__(self, path: str | Path, ends: int = 10, worst: int | None = None) -> None:
        require_worst(worst)
        self.path = Path(path)
        self.ends = ends
        self.worst = worst

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table."""
        if not trainer.is_global_zero:
            return
        run = rank_rows(predicted(trainer, type(self).__name__), self.worst or self.ends)
        scored = run.ranking.count
        trainer.callback_metrics[SCORED] = torch.tensor(scored)  # `ddp_spawn` hands metrics back
        observer = pl_module.observer if isinstance(pl_module, FroqModule) else None
        print_ranking(run, doubts(observer) if observer is not None else (), self.worst)
        for name, limit in limits(trainer, "predict").items():
            print(f"trainer.{name} {limit}: {scored + run.failed} images were asked for, not all")
        print(f"scores: {address_of(self.path)}")


def require_worst(worst: int | None) -> None:
    """Refuse a number of worst images below 1.

    Raises:
        ConfigurationError: for such a number.
    """
    if worst is not None and worst < 1:
        raise ConfigurationError(f"Expected `worst` to be at least 1, but got {worst}")


def rank_rows(prediction: Prediction, ends: int) -> RankedRun:
    """Rank the images that were scored, and count the others."""
    run = RankedRun(Ranking(ends))
    for row in prediction.rows():
        if row.quality_score is not None:
            run.ranking.add(row.quality_score, row.sample_index, row)
        else:
            run.failed += 1
            if run.failed <= FAILURES_SHOWN:
                run.failures.append(f"{row.image}: {row.reason}")
    return run


def print_ranking(run: RankedRun, remarks: Iterable[str], worst: int | None) -> None:
    """Print the table of a ranking, remarks on its scores, and why images could not be scored.

    Args:
        run: the images.
        remarks: in a sentence each.
        worst: number of worst images shown, instead of both ends.
    """
    print("\nquality 0..100: percentage of the calibration faces that scored lower; higher is better")
    print("".join(f"! {remark}\n" for remark in remarks), end="")
    print(_table(run.ranking, worst))
    if run.failed:
        reasons = "; ".join(run.failures) + ("; …" * (run.failed > FAILURES_SHOWN))
        print(f"{run.failed} could not be scored: {reasons}")


def _table(ranking: Ranking[ScoredRow], worst: int | None) -> str:
    shown = ranking.best_first() if worst is None else ranking.best_first()[::-1][:worst]
    rows = [[str(row.quality), f"{row.quality_score:.4f}", row.image, _remark(row)] for row in shown]
    if ranking.count > len(rows):
        cut = len(rows) // 2 if worst is None else len(rows)
        rows.insert(cut, ["…", "…", f"… {ranking.count - len(rows)} {'more' if worst is None else 'better'}", ""])
    return text_table(["quality", "quality_score", "image", "remark"], rows)


def _remark(row: ScoredRow) -> str:
    return "; ".join(filter(None, [row.reason, *row.defects]))
