"""After `validate`: the Observer file, the labels and scores of every calibration image, and a table of the layers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature
from froq_lightning.calibration.observer import OBSERVER
from froq_lightning.calibration.selection import Selection
from froq_lightning.callbacks.calibration_summary import summary
from froq_lightning.callbacks.journaled_writer import JournaledWriter
from froq_lightning.callbacks.output_writer import face_data
from froq_lightning.callbacks.summary_facts import calibration_facts
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import CalibrationError, ConfigurationError
from froq_lightning.formats.format import require_suffix
from froq_lightning.formats.table import table_signature, write_table
from froq_lightning.module import FroqModule
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.observed_batch import ObservedBatch
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import show, tell, wrote

IMAGE_COLUMNS = ("image", "pseudo_quality", "quality_score", "quality", "status", "reason")
SAMPLE_COLUMNS = ("path", "subject_id")
LAYER_COLUMNS = ("layer", "layer_utility", "cost", "selected", "repeats", "reason")


class ObserverWriter(JournaledWriter):
    """Writes the Observer, and beside it two tables: `observer.json`, `observer.images.csv`, `observer.layers.csv`.

    The table of the images can be given as `data.labels` to a later calibration of the same ones. The status of an
    image is `ok`, `failed`, or `unlabelled` if other images give it no label. The table of the layers says of every
    candidate in execution order what share of a forward pass reaching it took (`cost`): a measured time, so it is not
    part of the Observer, which is the same for the same images.

    Where images were drawn from the source, a manifest lists them: `observer.sample.csv`. With the folder that was the
    source as `data.root`, it is a source of the same images.

    Args:
        path: of the Observer file: .json, or without a suffix.
        restart: whether to delete what an unfinished run left in `PATH.partial`, instead of going on with it.
        sampled: whether images are drawn, so that there is a manifest.
    """

    stage = "validate"

    def __init__(self, path: str | Path, *, restart: bool = False, sampled: bool = False) -> None:
        super().__init__(path, restart=restart)
        require_suffix("the Observer", self.path, ["", ".json"])
        self.images = self.path.with_suffix(".images.csv")
        self.layers = self.path.with_suffix(".layers.csv")
        self.sample = self.path.with_suffix(".sample.csv") if sampled else None

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the Observer and the tables."""
        images, layers = table_signature(IMAGE_COLUMNS), table_signature(LAYER_COLUMNS)
        sample = [] if self.sample is None else [(self.sample, table_signature(SAMPLE_COLUMNS))]
        return [(self.path, OBSERVER), (self.images, images), (self.layers, layers), *sample]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Open the journal, and have the module resume from it."""
        super().setup(trainer, pl_module, stage)
        if stage == self.stage and isinstance(pl_module, FroqModule):
            pl_module.resume(map(ObservedBatch.from_block, self.journal.done()))

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
        """Write the files, and print the summary."""
        if not self.finish_recording(trainer):
            return
        module, calibration = calibrated(pl_module, type(self).__name__)
        calibration.observer.save(self.path)
        write_table(self.images, IMAGE_COLUMNS, _image_rows(trainer, calibration))
        write_table(self.layers, LAYER_COLUMNS, _layer_rows(calibration.selection))
        if self.sample is not None:
            write_table(self.sample, SAMPLE_COLUMNS, _sample_rows(trainer))
        self.mark_written()
        show(*summary(calibration, module.backbone.candidate_layers))
        tell(**calibration_facts(calibration))
        wrote("observer", address_of(self.path))
        wrote("labels and scores of its calibration images", address_of(self.images), "images")
        wrote("utilities and costs of the layers", address_of(self.layers), "layers")
        if self.sample is not None:
            wrote("the images that were drawn", address_of(self.sample), "sample")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Keep the journal, unless the images turned out to allow no Observer."""
        super().on_exception(trainer, pl_module, exception)
        if isinstance(exception, CalibrationError) and trainer.is_global_zero:
            self.journal.remove()


def calibrated(module: LightningModule, caller: str) -> tuple[FroqModule, Calibration]:
    """Return the module of a run with what its `validate` found.

    Raises:
        ConfigurationError: if it is no FroqModule, or there was no `validate`; names the caller.
    """
    if not isinstance(module, FroqModule):
        raise ConfigurationError(f"{caller} works with FroqModule, not {type(module).__name__}")
    if module.calibration is None:
        raise ConfigurationError(f"{caller} works with FroqModule after `validate`, but there was none")
    return module, module.calibration


def _image_rows(trainer: Trainer, calibration: Calibration) -> Iterator[tuple[Any, ...]]:
    table, scores = calibration.table, calibration.selection.scores
    columns = (table.pseudo_quality, scores, calibration.observer.quality(scores))
    used = dict(
        zip(table.sample_index.tolist(), zip(*(column.tolist() for column in columns), strict=True), strict=True)
    )
    data = face_data(trainer)
    for index in range(len(used) + len(table.missing)):
        key = str(index) if data is None else data.faces.images[index].key
        if index in used:
            label, score, quality = used[index]
            yield key, f"{label:.9g}", f"{score:.9g}", quality, "ok", ""
        elif index in calibration.unlabelled:
            yield key, "", "", -1, "unlabelled", calibration.unlabelled[index]
        else:
            yield key, "", "", -1, "failed", calibration.left_out[index].note


def _sample_rows(trainer: Trainer) -> Iterator[tuple[str, str]]:
    data = face_data(trainer)
    return ((image.key, image.subject) for image in (() if data is None else data.faces.images) if not image.copy)


def _layer_rows(selection: Selection) -> Iterator[tuple[Any, ...]]:
    for layer in selection.candidates:
        utility = "" if layer.utility is None else f"{layer.utility:.6f}"
        cost = f"{selection.costs[layer.name]:.4f}" if layer.name in selection.costs else ""
        yield layer.name, utility, cost, int(layer.name in selection.layers), layer.repeats, layer.reason
