"""After `validate`: one HTML page with the layers, their cost, and the scores and faces of the calibration."""

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.reporting.report import Report
from froq_lightning.runs.processes import gathered


class CalibrationReport(Report):
    """Writes what `validate` found; see `Report`."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not isinstance(pl_module, FroqModule) or pl_module.calibration is None:
            raise ConfigurationError(f"CalibrationReport works with FroqModule, not {type(pl_module).__name__}")
        calibration = pl_module.calibration
        left_out = gathered({sample.index: sample for sample in calibration.left_out})
        if not trainer.is_global_zero:
            return
        from froq_lightning.reporting.calibration_page import render_page  # noqa: PLC0415 - imports matplotlib

        faces = getattr(getattr(trainer, "datamodule", None), "faces", None)
        read = None if faces is None else faces.__getitem__
        failures = [left_out[index] for index in sorted(left_out)]
        self.write(render_page(calibration, pl_module.backbone, failures, read, self.faces))
