"""The progress of a verb in images: batches are an inner matter."""

from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar

from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.datamodules.loading import ShareSampler
from froq_lightning.runs.feed import listed_loaders
from froq_lightning.runs.quality_batch import FAILED, ScoredBatch
from froq_lightning.terminal.progress import Progress, forget_progress

Callbacks = list[Callback] | Callback | None


class ImageProgress(ProgressBar):
    """Shows on standard error how many images are done, how fast, how long the others take, and how many failed.

    On a terminal that is a bar, elsewhere a line every half minute. Images that an earlier run has done count as done.
    Of several processes the first one shows its own numbers, scaled to all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_enabled = True
        self._progress: Progress | None = None

    def disable(self) -> None:
        """Show nothing."""
        self._is_enabled = False

    def enable(self) -> None:
        """Show progress."""
        self._is_enabled = True

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the images of a calibration."""
        del pl_module
        self._begin("calibrate", trainer.val_dataloaders, trainer.num_val_batches)

    def on_predict_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the images to be scored."""
        del pl_module
        self._begin("score", trainer.predict_dataloaders, trainer.num_predict_batches)

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the images of the comparisons."""
        del pl_module
        self._begin("evaluate", trainer.test_dataloaders, trainer.num_test_batches)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count the images of a batch."""
        del trainer, pl_module, batch_idx, dataloader_idx
        if self._progress is not None:
            self._progress.advance(*_counts(outputs, batch))

    on_validation_batch_end = on_test_batch_end = on_predict_batch_end

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what follows the pass over the images."""
        del trainer, pl_module
        self._end("choosing layers")

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what follows the pass over the images."""
        del trainer, pl_module
        self._end("writing")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what follows the pass over the images."""
        del trainer, pl_module
        self._end("comparing")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the screen to the error."""
        del trainer, pl_module, exception
        if self._progress is not None:
            self._progress.stop()
        self._progress = None

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave nothing on the screen."""
        del trainer, pl_module, stage
        forget_progress()

    def _begin(self, what: str, loaders: Any, batches: Sequence[int | float] | int | float) -> None:
        if not self._is_enabled:
            return
        listed = listed_loaders(loaders)
        numbers = batches if isinstance(batches, Sequence) else [batches]
        # For `predict` Lightning wraps batch samplers, and their samplers and sizes are no longer the loaders' own.
        batching = [loader.batch_sampler for loader in listed]
        samplers = [each.sampler for each in batching if isinstance(getattr(each, "sampler", None), ShareSampler)]
        if len(samplers) < len(listed):
            self._progress = Progress(what, None)
            return
        shares = [
            min(len(sampler.share), number * each.batch_size)
            for each, sampler, number in zip(batching, samplers, numbers, strict=True)
        ]
        done = sum(sampler.done for sampler in samplers)
        own = sum(len(sampler.share) for sampler in samplers) + done
        count = sum(sampler.count for sampler in samplers)
        self._progress = Progress(what, done + int(sum(shares)), done, count / own if own else 1.0)

    def _end(self, then: str) -> None:
        if self._progress is not None:
            self._progress.end(then)
        self._progress = None


def with_progress(callbacks: Callbacks, is_enabled: bool | None) -> list[Callback]:
    """Add progress to the callbacks of a Trainer, unless there is another progress bar, or none is wanted."""
    listed = [] if callbacks is None else [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
    if is_enabled is not False and not any(isinstance(callback, ProgressBar) for callback in listed):
        listed.append(ImageProgress())
    return listed


def _counts(outputs: Any, batch: Any) -> tuple[int, int]:
    """Count the images of a batch, and those that failed; everything is on the CPU already."""
    if isinstance(outputs, ScoredBatch):
        return len(outputs), outputs.status.count(FAILED)
    if isinstance(batch, FaceBatch):
        return len(batch.sample_index) + len(batch.failures), len(batch.failures)
    return len(batch[0] if isinstance(batch, (list, tuple)) else batch), 0
