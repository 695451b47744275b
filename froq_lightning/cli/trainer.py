"""`froq validate`, `froq predict` and `froq test`: a LightningCLI without `fit`."""

import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from froq_lightning.callbacks import EvaluationWriter, ObserverWriter, QualityWriter, RankedTable
from froq_lightning.data.evaluation import EvaluationDataModule
from froq_lightning.data.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.reporting import EvaluationReport

OUTPUTS = {"validate": "observer.json", "predict": "scores.csv", "test": "results.csv"}
# Of the Trainer's verbs: what FROQ has no use for.
HIDDEN = {"model", "dataloaders", "datamodule", "ckpt_path", "weights_only", "verbose", "return_predictions"}
# Tips of Lightning. Samples that a distributed sampler repeats are counted once here, so the last one does not apply.
UNCALLED_FOR = (
    ".*does not have many workers.*",
    ".*args parameter is intended to run.*",
    ".*LeafSpec.*",
    ".*Using `DistributedSampler` with the dataloaders.*",
)
# How the parser tells of a value that none of the alternatives takes: at length.
UNION = re.compile(
    r"(.*): Does not validate against any of the Union subtypes Subtypes: \[(.*?)\] Errors: .*value: (.*)"
)


class FroqTrainer(Trainer):
    """A Trainer that keeps no predictions in memory and prints no table of metrics: results go to files and tables."""

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Score images; see `Trainer.predict`."""
        return super().predict(*args, **{"return_predictions": False, **kwargs})

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate; see `Trainer.test`."""
        return super().test(*args, **{"verbose": False, **kwargs})


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
        output = next(callback.path for callback in trainer.callbacks if isinstance(callback, OUTPUT_WRITERS))  # type: ignore[attr-defined]
        output.parent.mkdir(parents=True, exist_ok=True)
        path = output.with_suffix(".config.yaml")
        self.parser.save(self.config, path, skip_none=False, overwrite=True, multifile=False)


OUTPUT_WRITERS = (ObserverWriter, QualityWriter, EvaluationWriter)


class FroqCLI(LightningCLI):
    """LightningCLI with the verbs that run on faces, and `--output` for where the result goes."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Trainer methods that are commands, and their arguments that are not options."""
        return {"validate": HIDDEN, "predict": HIDDEN}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output`."""
        told = (
            f"file to write; by default {' or '.join(map(OUTPUTS.get, self.subcommands()))} in trainer.default_root_dir"  # type: ignore[arg-type]
        )
        parser.add_argument("--output", type=str | None, default=None, help=told)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the Trainer, with the callbacks that write the output."""
        trainer = super().instantiate_trainer(**kwargs)
        output = self.config[self.subcommand].output
        path = Path(output) if output else Path(trainer.default_root_dir) / OUTPUTS[str(self.subcommand)]
        _require_writable(path)
        trainer.callbacks[:0] = self.writers(path)  # type: ignore[attr-defined]
        return trainer

    def writers(self, path: Path) -> list[Callback]:
        """Callbacks that write and print the result."""
        return [ObserverWriter(path)] if self.subcommand == "validate" else [QualityWriter(path), RankedTable(path)]


class EvaluationCLI(FroqCLI):
    """LightningCLI with the verb that runs on comparison sets."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Trainer methods that are commands, and their arguments that are not options."""
        return {"test": HIDDEN}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--output` and `--report`."""
        super().add_arguments_to_parser(parser)
        told = "whether an HTML report is written beside the output (needs the extra `report`)"
        parser.add_argument("--report", type=bool, default=True, help=told)

    def writers(self, path: Path) -> list[Callback]:
        """Callbacks that write and print the result."""
        report = [EvaluationReport(path.with_suffix(".html"))] if self.config[self.subcommand].report else []
        return [EvaluationWriter(path), *report]


def run_trainer(args: Sequence[str]) -> None:
    """Run `validate`, `predict` or `test` with its options.

    Raises:
        ConfigurationError: for options that do not exist or have a wrong value.
    """
    quieten()
    cli, data = (EvaluationCLI, EvaluationDataModule) if args[0] == "test" else (FroqCLI, FaceDataModule)
    try:
        cli(
            FroqModule,
            data,
            trainer_class=FroqTrainer,
            trainer_defaults={"logger": False, "enable_checkpointing": False, "enable_model_summary": False},
            save_config_callback=SaveConfig,
            save_config_kwargs={"save_to_log_dir": False},
            parser_kwargs={"prog": "froq", "exit_on_error": False},
            auto_configure_optimizers=False,
            seed_everything_default=False,
            args=list(args),
        )
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"a configuration file is no UTF-8 text: {error}") from error
    except (ArgumentError, MisconfigurationException) as error:
        raise ConfigurationError(_one_line(str(error))) from error


def _require_writable(path: Path) -> None:
    """Refuse an output that could not be written before any image is read."""
    if path.is_dir():
        raise ConfigurationError(f"Expected the output to be a file, but {str(path)!r} is a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the folder of the output {str(path)!r} cannot be made: {error.strerror}") from error


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    union = UNION.fullmatch(line)
    if union is None:
        return line
    key, choices, value = union.groups()
    named = re.sub(r"typing\.|<class '|'>", "", choices)
    return f"{key}: {value} is none of {named}"


def quieten() -> None:
    """Silence what Lightning tells about itself: hardware found, tips, and workers it would like to have."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in UNCALLED_FOR:
        warnings.filterwarnings("ignore", message=message)
