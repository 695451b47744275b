"""After `predict`: a row for every image that was asked for, in input order, and perhaps its embedding."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter

from froq_lightning.atomic_write import Signature
from froq_lightning.callbacks.journaled_writer import JournaledWriter
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.errors import ConfigurationError, DataError, StoreError
from froq_lightning.formats.format import Format, Named, find_format, write_file
from froq_lightning.journal.part import Part
from froq_lightning.module import FroqModule
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredBatch
from froq_lightning.runs.trainer_options import limits
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import wrote


class QualityWriter(JournaledWriter):
    """Writes the scores to a file, and the embeddings of the same passes to another if they are wanted.

    Columns: image; quality_score (raw, higher is better); quality (0..100, the percentage of the calibration set that
    scored lower; -1 if the image failed); status (ok or failed); reason (why it failed, or a remark). Where the data
    module measures `reasons`: defects (what is wrong, the worst first), and a column for every quality component.

    Args:
        path: of the scores; its suffix chooses the format: .csv, .txt or none, .tsv, .parquet, .jsonl, or that of an
            installed extension.
        embeddings: .npy or .parquet file whose rows are those of the scores, if it is wanted; the module must be made
            with `embeddings=True`.
        format_: name of the format of the scores, perhaps with options, where the suffix is not to choose it; see
            `find_format`.
        restart: whether to delete what an unfinished run left in `PATH.partial`, instead of going on with it.

    Attributes:
        prediction: what the last `predict` found, on the first process, while its journal lasts.

    Raises:
        ConfigurationError: for another kind of file, or one whose library is not installed.
        UnknownNameError: if no format has that name.
    """

    stage = "predict"
    # Of the images, if not all are scored; see `PartWriter`.
    part: Part | None = None

    def __init__(
        self, path: str | Path, embeddings: str | Path | None = None, *, format_: Named = None, restart: bool = False
    ) -> None:
        super().__init__(path, restart=restart)
        self.format_ = format_
        self.embeddings = None if embeddings is None else Path(embeddings)
        self.prediction: Prediction | None = None
        self._files()

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the scores, and the embeddings if they are wanted."""
        return [(path, format_.is_own) for path, format_ in self._files()]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check that the module gives the embeddings that are wanted, and open the journal."""
        if stage == self.stage and isinstance(pl_module, FroqModule) and self.embeddings and not pl_module.embeddings:
            raise ConfigurationError("Expected FroqModule(embeddings=True), since QualityWriter is to write embeddings")
        super().setup(trainer, pl_module, stage)

    def require_data(self, data: FaceDataModule | TrialDataModule | None) -> None:
        """Refuse a data module that feeds other images than this writes."""
        fed = data.part if isinstance(data, FaceDataModule) else None
        if fed != self.part:
            raise ConfigurationError(
                f"{type(self).__name__} writes {_named(self.part)}, but the data module feeds {_named(fed)}; "
                "FaceDataModule(part=…) and PartWriter go together, with the same part"
            )

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Record the rows of a batch."""
        del pl_module, batch, batch_idx, dataloader_idx
        scored: ScoredBatch = outputs
        self.record(scored.block())
        _forget_batches(trainer)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the rows of all processes."""
        del pl_module
        if not self.finish_recording(trainer):
            return
        self.prediction = Prediction(self.journal, _count_images(trainer))
        try:
            for path, format_ in self._files():
                write_file(format_, path, self.prediction)
        except StoreError:  # the same command stores them later
            raise
        except DataError:  # the journal itself is wrong
            self.journal.remove()
            raise
        if self.embeddings is not None:
            wrote("embeddings", address_of(self.embeddings))
        self.mark_written()

    def _files(self) -> list[tuple[Path, Format]]:
        """Return the paths with their formats, which could not be sent to another process as attributes."""
        files = [(self.path, find_format(self.path, "scores", self.format_))]
        if self.embeddings is not None:
            files.append((self.embeddings, find_format(self.embeddings, "embeddings")))
        return files


def predicted(trainer: Trainer, caller: str) -> Prediction:
    """Return what the QualityWriter among the callbacks of a run has written.

    Raises:
        ConfigurationError: if there is none, or it has not written yet; names the caller.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for callback in callbacks:
        if isinstance(callback, QualityWriter) and callback.prediction is not None:
            return callback.prediction
    raise ConfigurationError(f"{caller} works behind a QualityWriter among the Trainer's callbacks")


def _named(part: Part | None) -> str:
    return "all images" if part is None else f"part {part}"


def _forget_batches(trainer: Trainer) -> None:
    """Empty the list of the indices of all images, 36 bytes each, which Lightning keeps for prediction writers."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    if any(isinstance(callback, BasePredictionWriter) for callback in callbacks):
        return
    for loader in _loaders(trainer):
        getattr(loader.batch_sampler, "seen_batch_indices", []).clear()


def _loaders(trainer: Trainer) -> Sequence[Any]:
    loaders: Any = trainer.predict_dataloaders
    return loaders if isinstance(loaders, Sequence) else [loaders]


def _count_images(trainer: Trainer) -> int | None:
    """Return the number of images in the loaders; None where the Trainer is limited to some of them."""
    if limits(trainer, "predict"):
        return None
    return sum(len(loader.dataset) for loader in _loaders(trainer))
