"""The configuration of a run, kept beside its output."""

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from froq_lightning.callbacks import EvaluationWriter, ObserverWriter, QualityWriter
from froq_lightning.publishing import published


class SaveConfig(SaveConfigCallback):
    """Saves the configuration of a run beside its output, once the run is known to start."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Do not save yet: the module may still refuse its observer."""

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the configuration of a calibration."""
        super().setup(trainer, pl_module, "validate")

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the configuration of a scoring run."""
        super().setup(trainer, pl_module, "predict")

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the configuration of an evaluation."""
        super().setup(trainer, pl_module, "test")

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write `OUTPUT.config.yaml`."""
        del pl_module, stage
        writers = (ObserverWriter, QualityWriter, EvaluationWriter)
        output = next(callback.path for callback in trainer.callbacks if isinstance(callback, writers))  # type: ignore[attr-defined]
        with published(output.with_suffix(".config.yaml")) as place:
            self.parser.save(self.config, place, skip_none=False, overwrite=True, multifile=False)
