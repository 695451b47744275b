"""`froq predict` as a command."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.cli import LightningArgumentParser

from froq_lightning.callbacks import PartWriter, QualityWriter, RankedTable
from froq_lightning.callbacks.quality_gate import NOTHING_SCORED, require_gate
from froq_lightning.callbacks.ranking import GATE_CLOSED, SCORED
from froq_lightning.cli.verbs import ReportedCLI, add_restart
from froq_lightning.errors import ConfigurationError
from froq_lightning.formats.format import usual_suffix
from froq_lightning.journal.part import Part
from froq_lightning.reporting import PredictionReport
from froq_lightning.terminal import complain

# Worst faces that `--explain` explains, at 170 passes each, unless `--worst` gives another number.
EXPLAINED = 8


class PredictionCLI(ReportedCLI):
    """`froq predict`."""

    verb = "predict"
    file = "scores.csv"
    report_default = False  # it reads the images that it shows again

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output` and `--report`, and the options of `predict` alone."""
        super().add_arguments_to_parser(parser)
        parser.link_arguments("model.copies", "data.copies", apply_on="instantiate")
        add_restart(parser)
        text = ".npy or .parquet file for the embeddings of the same passes, which are then whole ones"
        parser.add_argument("--embeddings", type=str | None, default=None, help=text)
        parser.link_arguments("embeddings", "model.embeddings", compute_fn=bool)
        text = "name of the format of the scores, or '{name: NAME, OPTION: VALUE}'; by default the suffix chooses it"
        parser.add_argument("--format", type=str | dict[str, Any] | None, default=None, help=text)
        text = "whether to say what is wrong with each image, such as blurred or dark, by quality components"
        parser.add_argument("--reasons", type=bool, nargs="?", const=True, default=False, help=text)
        parser.link_arguments("reasons", "data.reasons")
        text = "number of worst images to print, the very worst first, instead of the best and the worst"
        parser.add_argument("--worst", type=int | None, default=None, help=text)
        text = "exit with status 1 if an image has a quality (0..100) below this, or failed; all outputs are written"
        parser.add_argument("--fail-under", type=float | None, default=None, help=text)
        text = f"whether the report shows what pulls down the worst faces: {EXPLAINED}, or those of --worst"
        parser.add_argument("--explain", type=bool, nargs="?", const=True, default=False, help=text)
        text = "score only this part of the images, such as 17/1000, counted from 1; `froq merge` joins all parts"
        parser.add_argument("--part", type=str | None, default=None, help=text)
        parser.link_arguments("part", "data.part")

    def before_instantiate_classes(self) -> None:
        """Refuse what cannot be made of a part, before anything is built."""
        super().before_instantiate_classes()
        require_gate(self.option("fail_under"))
        if self.option("part") is None:
            return
        Part.parse(self.option("part"))
        whole = [name for name in ("report", "explain", "worst") if self.option(name)]
        whole += ["fail-under"] * (self.option("fail_under") is not None)
        if whole:
            raise ConfigurationError(
                f"Expected --{whole[0]} without --part, since it is about all images; `froq merge` has --worst and "
                "--fail-under for all parts"
            )

    @property
    def is_saved(self) -> bool:
        """Whether the configuration is saved: of several parts, by the first one."""
        return self.option("part") is None or Part.parse(self.option("part")).number == 1

    @property
    def is_reported(self) -> bool:
        """Whether a report is wanted; explanations are part of it."""
        return super().is_reported or self.option("explain")

    def usual_file(self) -> str:
        """Return the name with the suffix of the format."""
        choice = self.option("format")
        return self.file if choice is None else str(Path(self.file).with_suffix(usual_suffix(choice, "scores")))

    def writers(self, path: Path) -> list[Callback]:
        """Return the callbacks that write the scores, perhaps the embeddings and a page, and print the ends."""
        options = {"format_": self.option("format"), "restart": self.option("restart")}
        if (part := self.option("part")) is not None:
            return [PartWriter(path, part, self.option("embeddings"), **options)]
        writer, worst = QualityWriter(path, self.option("embeddings"), **options), self.option("worst")
        explained = (worst or EXPLAINED) if self.option("explain") else 0
        page = path.with_suffix(".html")
        reports = [PredictionReport(page, worst=worst, explained=explained)] if self.is_reported else []
        return [writer, RankedTable(path, worst=worst, fail_under=self.option("fail_under")), *reports]

    def after_predict(self) -> None:
        """Let the command fail if no image could be scored, or the gate is closed; a part may have none."""
        if self.option("part") is not None or not self.trainer.is_global_zero:
            return
        found = self.trainer.callback_metrics
        if not found.get(SCORED, 0):
            complain(NOTHING_SCORED)
        self.status = int(not found.get(SCORED, 0) or bool(found.get(GATE_CLOSED, 0)))
