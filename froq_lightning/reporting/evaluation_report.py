"""After `test`: one HTML page with the tables, curves, distributions, times and faces of the evaluation."""

from typing import Any, cast

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks.evaluation_writer import evaluation_of
from froq_lightning.reporting.report import Report


class EvaluationReport(Report):
    """Writes what `test` found; see `Report`."""

    title = "Face-image quality on "

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not trainer.is_global_zero:
            return
        from froq_lightning.reporting.evaluation_page import render_page  # noqa: PLC0415 - imports matplotlib

        evaluation = evaluation_of(pl_module, type(self).__name__)
        readers = [faces.__getitem__ for faces in cast("Any", trainer).datamodule.sets]
        self.write(render_page(evaluation, readers, self.faces))
