"""After `validate`: the Observer file, the labels and scores of every calibration image, and a table of the layers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature
from froq_lightning.calibration.observer import OBSERVER
from froq_lightning.calibration.pareto_front import FrontPoint
from froq_lightning.calibration.selection import Selection
from froq_lightning.callbacks.headline import doubts, headline
from froq_lightning.callbacks.journaled import JournaledWriter
from froq_lightning.callbacks.label_notes import label_note, unlabelled
from froq_lightning.callbacks.outputs import require_suffix
from froq_lightning.callbacks.tables import table_signature, write_csv
from froq_lightning.data.records import FaceBatch
from froq_lightning.errors import CalibrationError, ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.observed_batch import ObservedBatch
from froq_lightning.terminal import text_table

LAYER_COLUMNS = ("layer", "layer_utility", "cost", "selected", "repeats", "reason")
POINTS_SHOWN = 6
COLUMNS = ("image", "pseudo_quality", "quality_score", "quality", "status", "reason")


class ObserverWriter(JournaledWriter):
    """Writes the Observer, and beside it two tables: `observer.json`, `observer.images.csv`, `observer.layers.csv`.

    The table of the images can be given as `data.labels` to a later calibration of the same ones. The status of an
    image is `ok`, `failed`, or `unlabelled` if other images give it no label. The table of the layers says of every
    candidate in execution order what share of a forward pass reaching it took (`cost`): a measured time, so it is not
    part of the Observer, which is the same for the same images.

    Args:
        path: of the Observer file: .json, or without a suffix.
        restart: whether to drop what an unfinished run left in `PATH.partial`, instead of going on with it.
    """

    stage = "validate"

    def __init__(self, path: str | Path, *, restart: bool = False) -> None:
        super().__init__(path, restart=restart)
        require_suffix("the Observer", self.path, ("", ".json"))
        self.images = self.path.with_suffix(".images.csv")
        self.layers = self.path.with_suffix(".layers.csv")

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the Observer and the two tables."""
        tables = [(self.images, COLUMNS), (self.layers, LAYER_COLUMNS)]
        return [(self.path, OBSERVER), *((path, table_signature(path, columns)) for path, columns in tables)]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Open the journal, and give the module what is in it."""
        super().setup(trainer, pl_module, stage)
        if stage == self.stage and isinstance(pl_module, FroqModule):
            pl_module.resumed = map(ObservedBatch.from_block, self.journal.done())

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Record the norms and labels of a batch."""
        del trainer, pl_module, batch, batch_idx, dataloader_idx
        observed: ObservedBatch = outputs["observed"]
        self.record(observed.block())

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print what the calibration found."""
        if not self.publish(trainer):
            return
        module, calibration = calibrated(pl_module, type(self).__name__)
        calibration.observer.save(self.path)
        write_csv(self.images, COLUMNS, _rows(trainer, calibration))
        write_csv(self.layers, LAYER_COLUMNS, _layer_rows(calibration.selection))
        self.mark_published()
        print(_report(calibration, module.backbone.candidate_layers))
        print(f"observer: {self.path}\nlabels and scores of its calibration images: {self.images}")
        print(f"utilities and costs of the layers: {self.layers}")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Keep the journal, unless the images turned out to allow no Observer."""
        super().on_exception(trainer, pl_module, exception)
        if isinstance(exception, CalibrationError) and trainer.is_global_zero:
            self.journal.remove()


def calibrated(module: LightningModule, asked_by: str) -> tuple[FroqModule, Calibration]:
    """Take what the validate loop left in the module.

    Raises:
        ConfigurationError: if there is nothing.
    """
    if not isinstance(module, FroqModule):
        raise ConfigurationError(f"{asked_by} works with FroqModule, not {type(module).__name__}")
    if module.calibration is None:
        raise ConfigurationError(f"{asked_by} works with FroqModule after `validate`, but there was none")
    return module, module.calibration


def _rows(trainer: Trainer, calibration: Calibration) -> Iterator[tuple[Any, ...]]:
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
        elif index in calibration.unlabelled:
            yield key, "", "", -1, "unlabelled", calibration.unlabelled[index]
        else:
            yield key, "", "", -1, "failed", calibration.left_out[index].note


def _layer_rows(selection: Selection) -> Iterator[tuple[Any, ...]]:
    for layer in selection.candidates:
        utility = "" if layer.utility is None else f"{layer.utility:.6f}"
        cost = f"{selection.costs[layer.name]:.4f}" if layer.name in selection.costs else ""
        yield layer.name, utility, cost, int(layer.name in selection.layers), layer.repeats, layer.reason


def _report(calibration: Calibration, names: Sequence[str]) -> str:
    observer, selection = calibration.observer, calibration.selection
    rows = [
        [layer.name, f"{layer.utility:.4f}", f"{layer.mean:.4g}", f"{layer.std:.3g}", f"{layer.weight:.3g}"]
        for layer in observer.layers
    ]
    excluded = [layer for layer in observer.candidates if layer.reason]
    used, failed = observer.calibration_set.images, observer.calibration_set.left_out
    lines = [
        f"\n{headline(calibration, observer.backbone.name)} (preset {observer.preset})",
        "Spearman's rho between scores and pseudo-quality, on images it has not seen (cross-validated): "
        f"{selection.cross_validated}",
        f"on the very images that the layers were chosen on: {observer.set_utility:.4f} over {used} images"
        + (f", {failed} left out" if failed else ""),
        *([f"labels: {label_note(calibration)}"] if label_note(calibration) else []),
        *unlabelled(calibration),
        text_table(["layer", "layer utility", "mean norm", "std", "weight"], rows),
        *_told_costs(selection, names),
    ]
    if excluded:
        named = "; ".join(f"{layer.name} {layer.reason}" for layer in excluded[:5])
        more = f"; and {len(excluded) - 5} more, see the observer" if len(excluded) > 5 else ""
        lines.append(f"{len(excluded)} candidate layers were left out: {named}{more}")
    lines += [f"! {doubt}" for doubt in doubts(calibration)]
    return "\n".join(lines)


def _told_costs(selection: Selection, names: Sequence[str]) -> Iterator[str]:
    """Say what the layers cost, and what others would (`model.max_cost`, `model.tolerance`)."""
    if selection.cost is None:
        return
    yield f"cost: {selection.cost:.0%} of a forward pass, behind which `predict` ends its passes"
    if len(selection.front) > 1:
        rows = [
            [f"{point.cost:.1%}", f"{point.utility:.4f}", str(len(point.columns)), _deepest(point, selection, names)]
            for point in _spread(selection.front)
        ]
        yield "what less or more would buy, by model.max_cost or model.tolerance:"
        yield text_table(["cost", "set utility", "layers", "deepest layer"], rows)


def _deepest(point: FrontPoint, selection: Selection, names: Sequence[str]) -> str:
    return max((names[column] for column in point.columns), key=selection.costs.__getitem__)


def _spread(front: Sequence[FrontPoint]) -> list[FrontPoint]:
    """Choose a few points, the first and the last among them."""
    last = len(front) - 1
    shown = min(POINTS_SHOWN, len(front))
    return [front[round(place * last / (shown - 1))] for place in range(shown)]
