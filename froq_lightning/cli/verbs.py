"""The verbs of the Trainer as commands: a LightningCLI without `fit`, with `--output` for the result."""

import re
from abc import ABC, abstractmethod
from argparse import ArgumentError
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from froq_lightning.callbacks import (
    EvaluationWriter,
    FactsPrinter,
    FastestBatchSize,
    ObserverWriter,
    TrialWriter,
)
from froq_lightning.cli.error_messages import one_line, option_names, with_nearest
from froq_lightning.cli.interruption import EndAllProcesses
from froq_lightning.cli.option_paths import expand_home, find_files
from froq_lightning.cli.output_paths import require_outputs
from froq_lightning.cli.parser import PRINTING
from froq_lightning.cli.save_config import SaveConfig
from froq_lightning.cli.short_options import options_of
from froq_lightning.errors import ConfigurationError
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.reporting import CalibrationReport, EvaluationReport, FigureWriter
from froq_lightning.terminal.console import start_printing

# Arguments of the Trainer's methods that are no options of a command.
HIDDEN = {"model", "dataloaders", "datamodule", "ckpt_path", "weights_only", "verbose", "return_predictions"}


class VerbCLI(LightningCLI, ABC):
    """LightningCLI with one verb.

    Attributes:
        verb: of the Trainer.
        file: name of the output where `--output` does not give one.
        status: exit status of the command.
    """

    verb: ClassVar[str]
    file: ClassVar[str]
    status = 0

    @classmethod
    def subcommands(cls) -> dict[str, set[str]]:
        """Name the Trainer method that is the command, and its arguments that are not options."""
        return {cls.verb: HIDDEN}

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and name the nearest options where one does not exist."""
        try:
            super().parse_arguments(parser, args)
        except ArgumentError as error:
            known = [*(flag[2:] for flag in options_of(self.verb)), *option_names(self._parser(self.verb))]
            raise with_nearest(str(error), known) or error from error

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output`, `--quiet` and `--json`."""
        text = f"file to write; by default {self.file} in trainer.default_root_dir"
        parser.add_argument("--output", type=str | None, default=None, help=text)
        for name, text in PRINTING.items():
            parser.add_argument(f"--{name}", type=bool, nargs="?", const=True, default=False, help=text)
        parser.link_arguments("model.preprocessing", "data.preprocessing", apply_on="instantiate")

    def before_instantiate_classes(self) -> None:
        """Expand a `~` that the shell left at the beginning of a path; print from now on as it is wanted."""
        expand_home(self.config)
        start_printing(quiet=self.option("quiet"), json=self.option("json"), command=self.verb)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the Trainer, with the callbacks that write the output."""
        try:
            trainer = super().instantiate_trainer(**kwargs)
        except Exception as error:
            raise ConfigurationError(self._refused(str(error))) from error
        output = self.option("output")
        path = Path(output) if output else Path(trainer.default_root_dir) / self.usual_file()
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        callbacks[:0] = [EndAllProcesses(), *self.writers(path), FastestBatchSize()]
        if not self.is_saved:
            callbacks[:] = [callback for callback in callbacks if not isinstance(callback, SaveConfig)]
        for callback in callbacks:
            if isinstance(callback, SaveConfig):
                callback.path, callback.verb = path.with_suffix(".config.yaml"), self.verb
        require_outputs(callbacks, self.inputs())
        callbacks.append(FactsPrinter())
        return trainer

    @property
    def is_saved(self) -> bool:
        """Whether the configuration is saved beside the output."""
        return True

    def inputs(self) -> dict[str, Path]:
        """Return the files that options of the model and the data name, by the names of these."""
        config = self.config[self.verb]
        return dict(find_files({name: config[name] for name in ("model", "data")}))

    def _refused(self, message: str) -> str:
        """Add to a message of the Trainer the values of the options that it names."""
        given = self.option("trainer")
        named = [name for name in re.findall(r"`(\w+)", message) if name in given]
        values = "".join(f"; trainer.{name} is {given[name]!r}" for name in dict.fromkeys(named))
        return f"the Trainer refuses its options: {one_line(message)}{values}"

    def option(self, name: str) -> Any:
        """Return the value of an option of the command."""
        return self.config[self.verb][name]

    def usual_file(self) -> str:
        """Return the name of the output where `--output` does not give one."""
        return self.file

    @abstractmethod
    def writers(self, path: Path) -> list[Callback]:
        """Return the callbacks that write and print the result."""


class ReportedCLI(VerbCLI):
    """A verb whose result is also shown as a page.

    Attributes:
        report_default: whether it is where `--report` does not say; None: where matplotlib is installed.
    """

    report_default: ClassVar[bool | None] = None

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output` and `--report`."""
        super().add_arguments_to_parser(parser)
        default = (
            "not, since it reads the images that it shows again"
            if self.report_default is False
            else "where matplotlib is installed"
        )
        text = f"whether to write an HTML report beside the output; by default {default}"
        parser.add_argument("--report", type=bool | None, nargs="?", const=True, default=self.report_default, help=text)

    @property
    def is_reported(self) -> bool:
        """Whether a report is wanted."""
        wanted = self.option("report")
        return find_spec("matplotlib") is not None if wanted is None else bool(wanted)


class CalibrationCLI(ReportedCLI):
    """`froq validate`."""

    verb = "validate"
    file = "observer.json"

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output`, `--report` and `--restart`."""
        super().add_arguments_to_parser(parser)
        parser.link_arguments("model.copies", "data.copies", apply_on="instantiate")
        add_restart(parser)

    def inputs(self) -> dict[str, Path]:
        """Return the files that are read: an Observer only where it labels."""
        files = super().inputs()
        if not isinstance(self.model.labelling.method, FroqQuality):
            files.pop("model.observer", None)
        return files

    def writers(self, path: Path) -> list[Callback]:
        """Return the callbacks that write the Observer, print its layers, and write the report."""
        reports = [CalibrationReport(path.with_suffix(".html"))] if self.is_reported else []
        sampled = self.option("data").get("sample") is not None
        return [ObserverWriter(path, restart=self.option("restart"), sampled=sampled), *reports]


class EvaluationCLI(ReportedCLI):
    """`froq test`."""

    verb = "test"
    file = "results.csv"

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output`, `--report`, `--restart`, `--trials` and `--figures`."""
        super().add_arguments_to_parser(parser)
        add_restart(parser)
        text = "table to write, .csv or .tsv, of the trials with their scores and qualities, for `froq threshold`"
        parser.add_argument("--trials", type=str | None, default=None, help=text)
        text = "whether to write every curve as an SVG figure for papers, into OUTPUT.figures"
        parser.add_argument("--figures", type=bool, nargs="?", const=True, default=False, help=text)

    def writers(self, path: Path) -> list[Callback]:
        """Return the callbacks that write and print the results, and write the trials, the report and figures."""
        trials = [TrialWriter(self.option("trials"))] if self.option("trials") else []
        reports = [EvaluationReport(path.with_suffix(".html"))] if self.is_reported else []
        figures = [FigureWriter(path)] if self.option("figures") else []
        return [EvaluationWriter(path, restart=self.option("restart")), *trials, *reports, *figures]


def add_restart(parser: LightningArgumentParser) -> None:
    """Add `--restart`."""
    text = "whether to drop what an unfinished run left in OUTPUT.partial, instead of going on with it"
    parser.add_argument("--restart", type=bool, nargs="?", const=True, default=False, help=text)
