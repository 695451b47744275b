"""After `validate`: the Observer file, the labels and scores of every calibration image, and a table of the layers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.callbacks.tables import write_csv
from froq_lightning.data.records import FaceSample
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.processes import gathered
from froq_lightning.terminal import text_table

COLUMNS = ("image", "pseudo_quality", "quality_score", "quality", "status", "reason")


class ObserverWriter(Callback):
    """Writes the Observer, and beside it a CSV of the calibration images (`observer.json`, `observer.images.csv`).

    The CSV can be given as `data.labels` to a later calibration of the same images.

    Args:
        path: of the Observer file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print what the calibration found."""
        if not isinstance(pl_module, FroqModule) or pl_module.calibration is None:
            raise ConfigurationError(f"ObserverWriter works with FroqModule, not {type(pl_module).__name__}")
        calibration = pl_module.calibration
        left_out = gathered({sample.index: sample for sample in calibration.left_out})
        if not trainer.is_global_zero:
            return
        calibration.observer.save(self.path)
        images = self.path.with_suffix(".images.csv")
        write_csv(images, COLUMNS, _rows(trainer, calibration, left_out))
        print(_report(calibration))
        print(f"observer: {self.path}\nlabels and scores of its calibration images: {images}")


def _rows(trainer: Trainer, calibration: Calibration, left_out: dict[int, FaceSample]) -> Iterator[tuple[Any, ...]]:
    table, scores = calibration.table, calibration.selection.scores
    quality = calibration.observer.quality(scores)
    usable = dict(
        zip(
            table.sample_index.tolist(),
            zip(table.pseudo_quality.tolist(), scores.tolist(), quality.tolist(), strict=True),
            strict=True,
        )
    )
    records = getattr(getattr(trainer, "datamodule", None), "faces", None)
    for index in range(len(usable) + len(table.missing)):
        key = records.records[index].key if records is not None else str(index)
        if index in usable:
            label, score, percent = usable[index]
            yield key, f"{label:.9g}", f"{score:.9g}", percent, "ok", ""
        else:
            yield key, "", "", -1, "failed", left_out[index].note


def _report(calibration: Calibration) -> str:
    observer = calibration.observer
    rows = [[layer.name, f"{layer.utility:.4f}", f"{layer.mean:.4g}", f"{layer.std:.3g}"] for layer in observer.layers]
    excluded = [layer for layer in observer.candidates if layer.reason]
    used, failed = observer.calibration_set.images, observer.calibration_set.left_out
    lines = [
        f"\n{len(rows)} of {len(observer.candidates)} layers of {observer.backbone.name} observe quality "
        f"(preset {observer.preset}):",
        text_table(["layer", "layer utility", "mean norm", "std"], rows),
        f"Spearman's rho between scores and pseudo-quality: {observer.set_utility:.4f} over {used} images"
        + (f", {failed} left out" if failed else ""),
    ]
    if excluded:
        named = "; ".join(f"{layer.name} {layer.reason}" for layer in excluded[:5])
        more = f"; and {len(excluded) - 5} more, see the observer" if len(excluded) > 5 else ""
        lines.append(f"{len(excluded)} candidate layers were left out: {named}{more}")
    return "\n".join(lines)
