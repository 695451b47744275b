"""Runs `froq validate`, `froq predict` and `froq test`."""

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule, Trainer
from torch.multiprocessing.spawn import ProcessRaisedException

from froq_lightning.cli.save_config import SaveConfig
from froq_lightning.cli.verbs import CalibrationCLI, EvaluationCLI, PredictionCLI, VerbCLI
from froq_lightning.cli.yaml_limits import limit_yaml
from froq_lightning.data.evaluation import EvaluationDataModule
from froq_lightning.data.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.runs.processes import launching

# For every verb of the Trainer its command, and what feeds it.
VERBS: dict[str, tuple[type[VerbCLI], type[LightningDataModule]]] = {
    "validate": (CalibrationCLI, FaceDataModule),
    "predict": (PredictionCLI, FaceDataModule),
    "test": (EvaluationCLI, EvaluationDataModule),
}
# Tips of Lightning.
UNCALLED_FOR = (
    ".*does not have many workers.*",
    ".*args parameter is intended to run.*",
    ".*LeafSpec.*",
    ".*It is recommended to use `self.log.*sync_dist=True.*",
)
# How the parser tells of a value that none of the alternatives takes: at length.
UNION = re.compile(
    r"(.*): Does not validate against any of the Union subtypes Subtypes: \[(.*?)\] Errors: .*value: (.*)"
)
# How a process that `ddp_spawn` started ends where bad input was refused.
REFUSED = re.compile(r"^froq_lightning\.errors\.\w+: (.*)$", flags=re.MULTILINE)


class FroqTrainer(Trainer):
    """A Trainer that keeps no predictions in memory and prints no table of metrics: results go to files and tables."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in a process that `ddp_spawn` starts, where nothing is silenced yet."""
        quieten()
        self.__dict__.update(state)

    def validate(self, *args: Any, **kwargs: Any) -> Any:
        """Calibrate; see `Trainer.validate`."""
        return super().validate(*args, **{"verbose": False, **kwargs})

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Score images; see `Trainer.predict`."""
        return super().predict(*args, **{"return_predictions": False, **kwargs})

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate; see `Trainer.test`."""
        return super().test(*args, **{"verbose": False, **kwargs})


def run_trainer(args: Sequence[str]) -> None:
    """Run `validate`, `predict` or `test` with its options.

    Raises:
        ConfigurationError: for options that do not exist or have a wrong value.
    """
    quieten()
    limit_yaml()
    cli, data = VERBS[args[0]]
    with refusals(), launching():
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


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the parser, Lightning and started processes raise over bad input into a ConfigurationError."""
    try:
        yield
    except ProcessRaisedException as error:
        refused = REFUSED.findall(str(error))
        if not refused:
            raise
        raise ConfigurationError(refused[-1]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"a configuration file is no UTF-8 text: {error}") from error
    except (ArgumentError, MisconfigurationException) as error:
        raise ConfigurationError(_one_line(str(error))) from error


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
