"""After `predict`: a table of the best and the worst images."""

from collections.abc import Iterable
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.calibration.observer_warnings import doubts
from froq_lightning.callbacks.quality_gate import close_gate, require_gate
from froq_lightning.callbacks.quality_writer import predicted
from froq_lightning.callbacks.ranked_run import FAILURES_SHOWN, RankedRun, Ranking, rank_rows
from froq_lightning.callbacks.summary_facts import count_facts, ranking_facts
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.runs.quality_batch import ScoredRow
from froq_lightning.runs.trainer_options import limits
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import Line, Table, show, tell, wrote

# Name of the metric that tells how many images were scored.
SCORED = "images_scored"
# Name of the metric that tells whether images are below the quality that is wanted.
GATE_CLOSED = "gate_closed"


class RankedTable(Callback):
    """Prints the best and the worst images after `predict`, and how many failed and why; behind a QualityWriter.

    `Trainer.callback_metrics["images_scored"]` says how many did not fail.

    Args:
        path: of the scores, named at the end.
        ends: number of images shown at either end.
        worst: number of worst images shown, the very worst first, instead of both ends.
        fail_under: quality, 0..100, that every image should have; `Trainer.callback_metrics["gate_closed"]` says
            whether one is below it, or failed.
    """

    def __init__(
        self, path: str | Path, ends: int = 10, worst: int | None = None, fail_under: float | None = None
    ) -> None:
        require_worst(worst)
        require_gate(fail_under)
        self.fail_under = fail_under
        self.path = Path(path)
        self.ends = ends
        self.worst = worst

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table."""
        if not trainer.is_global_zero:
            return
        run = rank_rows(predicted(trainer, type(self).__name__), self.worst or self.ends, self.fail_under)
        scored = run.ranking.count
        trainer.callback_metrics[SCORED] = torch.tensor(scored)  # `ddp_spawn` hands metrics back
        observer = pl_module.observer if isinstance(pl_module, FroqModule) else None
        print_ranking(run, doubts(observer) if observer is not None else (), self.worst)
        for name, limit in limits(trainer, "predict").items():
            show(Line(f"trainer.{name} {limit}: {scored + run.failed} images were asked for, not all", "remark"))
        wrote("scores", address_of(self.path))
        trainer.callback_metrics[GATE_CLOSED] = torch.tensor(scored > 0 and close_gate(run, self.fail_under))


def require_worst(worst: int | None) -> None:
    """Refuse a number of worst images below 1.

    Raises:
        ConfigurationError: for such a number.
    """
    if worst is not None and worst < 1:
        raise ConfigurationError(f"Expected `worst` to be at least 1, but got {worst}")


def print_ranking(run: RankedRun, remarks: Iterable[str], worst: int | None) -> None:
    """Print the table of a ranking, remarks on its scores, and why images could not be scored; tell all of it.

    Args:
        run: the images.
        remarks: in a sentence each.
        worst: number of worst images shown, instead of both ends.
    """
    show("\nquality 0..100: percentage of the calibration faces that scored lower; higher is better")
    show(*(Line(f"! {remark}", "remark") for remark in remarks), _table(run.ranking, worst))
    scored = run.ranking.count
    tell(**count_facts(scored, run.failed), **ranking_facts(run.ranking.best_first(), run.ranking.ends, scored))
    if run.failed:
        reasons = "; ".join(f"{row.image}: {row.reason}" for row in run.failures)
        reasons += "; …" * (run.failed > FAILURES_SHOWN)
        show(Line(f"{run.failed} could not be scored: {reasons}", "failure"))


def _table(ranking: Ranking[ScoredRow], worst: int | None) -> Table:
    shown = ranking.best_first() if worst is None else ranking.best_first()[::-1][:worst]
    rows = [[str(row.quality), f"{row.quality_score:.4f}", row.image, _remark(row)] for row in shown]
    if ranking.count > len(rows):
        cut = len(rows) // 2 if worst is None else len(rows)
        rows.insert(cut, ["…", "…", f"… {ranking.count - len(rows)} {'more' if worst is None else 'better'}", ""])
    return Table(["quality", "quality_score", "image", "remark"], rows)


def _remark(row: ScoredRow) -> str:
    return "; ".join(filter(None, [row.reason, *row.defects]))
