"""After `test`: every error-versus-discard curve as an SVG figure that can stand alone."""

from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.evaluation_writer import evaluation_of
from froq_lightning.callbacks.output_writer import OutputWriter
from froq_lightning.reporting.report import require_matplotlib
from froq_lightning.terminal import Line, show, tell

MADE_BY = "froq-lightning, with Matplotlib"
FIGURE = signature(rb"<\?xml.*<metadata>.*" + MADE_BY.encode())


class FigureWriter(OutputWriter):
    """Writes a figure for every data set, convention with a curve, and FMR, into the folder `OUTPUT.figures`.

    A figure is called `DATA_SET-CONVENTION-FMR.svg`, without characters that are odd in the name of a file. It says its
    convention and its number of errors, and shades 95 % confidence intervals if there are some.

    Args:
        path: of the results.

    Raises:
        ConfigurationError: without matplotlib.
    """

    def __init__(self, path: str | Path) -> None:
        require_matplotlib("the figures", "leave --figures out")
        self.folder = Path(path).with_suffix(".figures")

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the figures that are there; the names of others are known only after the data sets were read."""
        if not self.folder.is_dir():
            return [(self.folder, FIGURE)] if self.folder.exists() else []
        return [(path, FIGURE) for path in sorted(self.folder.glob("*.svg"))]

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the figures."""
        if not trainer.is_global_zero:
            return
        from froq_lightning.reporting.error_figures import figures, save  # noqa: PLC0415 - with matplotlib

        written = 0
        for name, figure in figures(evaluation_of(pl_module, type(self).__name__)):
            with atomic_write(self.folder / f"{name}.svg", FIGURE) as place:
                save(figure, place, name)
            written += 1
        if written:
            show(Line(f"figures: {written} in {self.folder}", "status"))
            tell(outputs={"figures": str(self.folder)})
        else:
            show(Line("figures: none, since there are no curves", "status"))
