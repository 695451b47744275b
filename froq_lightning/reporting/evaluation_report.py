"""After `test`: one HTML page with the tables, curves, distributions, times and faces of the evaluation."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.callbacks.evaluation_writer import evaluation_of
from froq_lightning.errors import ConfigurationError


class EvaluationReport(Callback):
    """Writes an HTML page that needs no network, no script and no other file.

    Args:
        path: of the page.
        faces: number of images shown at either end of every ranking; 0 for none.

    Raises:
        ConfigurationError: without matplotlib, or for a number below 0.
    """

    def __init__(self, path: str | Path, faces: int = 8) -> None:
        if find_spec("matplotlib") is None:
            hint = "run `pip install 'froq-lightning[report]'`, or switch the report off with --report=false"
            raise ConfigurationError(f"Expected matplotlib, which draws the report, to be installed; {hint}")
        if faces < 0:
            raise ConfigurationError(f"Expected `faces` to be at least 0, but got {faces}")
        self.path = Path(path)
        self.faces = faces

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not trainer.is_global_zero:
            return
        from froq_lightning.reporting.evaluation_page import render_page  # noqa: PLC0415 - imports matplotlib

        evaluation = evaluation_of(pl_module, type(self).__name__)
        readers = [faces.__getitem__ for faces in cast("Any", trainer).datamodule.faces]
        page = render_page(evaluation, readers, self.faces)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        partial.write_text(page, encoding="utf-8")
        partial.replace(self.path)
        print(f"report: {self.path}")
