"""After `predict`: a row for every image that was asked for, in input order, and perhaps its embedding."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature
from froq_lightning.callbacks import embedding_file, score_file
from froq_lightning.callbacks.embedding_file import embeddings_signature, write_embeddings
from froq_lightning.callbacks.journaled import JournaledWriter
from froq_lightning.callbacks.outputs import require_suffix
from froq_lightning.callbacks.score_file import scores_signature, write_scores
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.module import FroqModule
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredBatch
from froq_lightning.runs.trainer_options import limits


class QualityWriter(JournaledWriter):
    """Writes the scores to a CSV, Parquet or JSON-lines file, and the embeddings of the same passes if they are wanted.

    Columns: image; quality_score (raw, higher is better); quality (0..100, the percentage of the calibration set that
    scored lower; -1 if the image failed); status (ok or failed); reason (why it failed, or a remark).

    Args:
        path: of the scores: .csv or .txt, .tsv, .parquet, or .jsonl; without a suffix CSV.
        embeddings: .npy or .parquet file whose rows are those of the scores, if it is wanted; passes are then whole.
        restart: whether to drop what an unfinished run left in `PATH.partial`, instead of going on with it.

    Raises:
        ConfigurationError: for another kind of file, or Parquet without pyarrow.
    """

    stage = "predict"

    def __init__(self, path: str | Path, embeddings: str | Path | None = None, *, restart: bool = False) -> None:
        super().__init__(path, restart=restart)
        self.embeddings = None if embeddings is None else Path(embeddings)
        require_suffix("scores", self.path, score_file.SUFFIXES)
        if self.embeddings is not None:
            require_suffix("embeddings", self.embeddings, embedding_file.SUFFIXES)
        _require_parquet(self.path, self.embeddings)

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the scores, and the embeddings if they are wanted."""
        asked = [] if self.embeddings is None else [(self.embeddings, embeddings_signature(self.embeddings))]
        return [(self.path, scores_signature(self.path)), *asked]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Ask the module for embeddings, and open the journal."""
        if stage == self.stage and isinstance(pl_module, FroqModule):
            pl_module.embeddings = self.embeddings is not None
        super().setup(trainer, pl_module, stage)

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
        del trainer, pl_module, batch, batch_idx, dataloader_idx
        scored: ScoredBatch = outputs
        self.record(scored.block())

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Publish the rows of all processes."""
        if not self.publish(trainer):
            return
        prediction = Prediction(self.journal, _asked(trainer))
        try:
            write_scores(self.path, prediction)
        except DataError:  # the journal itself is wrong
            self.journal.remove()
            raise
        if self.embeddings is not None:
            write_embeddings(self.embeddings, prediction)
            print(f"embeddings: {self.embeddings}")
        self.mark_published()
        if isinstance(pl_module, FroqModule):
            pl_module.prediction = prediction


def predicted(module: LightningModule, asked_by: str) -> Prediction:
    """Take what the predict loop left in the module.

    Raises:
        ConfigurationError: if there is nothing.
    """
    if not isinstance(module, FroqModule):
        raise ConfigurationError(f"{asked_by} works with FroqModule, not {type(module).__name__}")
    if module.prediction is None:
        raise ConfigurationError(f"{asked_by} works behind a QualityWriter among the Trainer's callbacks")
    return module.prediction


def _require_parquet(*paths: Path | None) -> None:
    if any(path and path.suffix.lower() == ".parquet" for path in paths) and find_spec("pyarrow") is None:
        hint = "run `pip install 'froq-lightning[parquet]'`, or give another kind of file"
        raise ConfigurationError(f"Expected pyarrow, which writes Parquet, to be installed; {hint}")


def _asked(trainer: Trainer) -> int | None:
    """Number of images in the loaders; None where the Trainer was told to leave some out."""
    loaders: Any = trainer.predict_dataloaders
    if limits(trainer, "predict"):
        return None
    return sum(len(loader.dataset) for loader in (loaders if isinstance(loaders, Sequence) else [loaders]))
