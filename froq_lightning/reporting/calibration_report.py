"""After `validate`: one HTML page with the layers, their cost, and the scores and faces of the calibration."""

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks.observer_writer import calibrated
from froq_lightning.reporting.report import Report


class CalibrationReport(Report):
    """Writes what `validate` found; see `Report`."""

    title = "Calibration of "

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not trainer.is_global_zero:
            return
        from froq_lightning.reporting.calibration_page import render_page  # noqa: PLC0415 - imports matplotlib

        module, calibration = calibrated(pl_module, type(self).__name__)
        faces = getattr(getattr(trainer, "datamodule", None), "faces", None)
        read = None if faces is None else faces.__getitem__
        self.write(render_page(calibration, module.backbone, read, self.faces))
