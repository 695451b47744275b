"""Runs `froq validate`, `froq predict` and `froq test`."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, Trainer

from froq_lightning.callbacks.progress import with_progress
from froq_lightning.cli.interruption import REFUSED, EndAllProcesses, interruptible
from froq_lightning.cli.prediction import PredictionCLI
from froq_lightning.cli.save_config import SaveConfig
from froq_lightning.cli.verbs import CalibrationCLI, EvaluationCLI, VerbCLI
from froq_lightning.cli.yaml_loader import use_unique_keys
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.module import FroqModule
from froq_lightning.runs.launcher import launching
from froq_lightning.terminal.console import current_output, take_output, unchanged_printing

# For every verb of the Trainer its command, and what feeds it.
VERBS: dict[str, tuple[type[VerbCLI], type[LightningDataModule]]] = {
    "validate": (CalibrationCLI, FaceDataModule),
    "predict": (PredictionCLI, FaceDataModule),
    "test": (EvaluationCLI, TrialDataModule),
}
# Tips of Lightning, which do not apply here.
TIPS = (
    ".*does not have many workers.*",
    ".*Consider setting `persistent_workers=True`.*",
    ".*args parameter is intended to run.*",
    ".*LeafSpec.*",
    ".*It is recommended to use `self.log.*sync_dist=True.*",
)


class FroqTrainer(Trainer):
    """A Trainer that keeps no predictions in memory and prints no table of metrics: results go to files and tables.

    Args:
        limit_val_batches: how many batches `validate` runs, or as a number with a decimal point, what share of them.
        limit_predict_batches: the same for `predict`.
        limit_test_batches: the same for `test`.
        callbacks: one or several.
        enable_progress_bar: whether progress is shown: by default that of `ImageProgress`.
        kwargs: other options of Lightning's Trainer.
    """

    # `typing` may give Lightning's `int | float` back as `float | int`, depending on what was imported before; the
    # command line would then read one batch, 1, as 1.0, all of them.
    def __init__(
        self,
        *,
        limit_val_batches: int | float | None = None,
        limit_predict_batches: int | float | None = None,
        limit_test_batches: int | float | None = None,
        callbacks: list[Callback] | Callback | None = None,
        enable_progress_bar: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            callbacks=with_progress(callbacks, enable_progress_bar),
            enable_progress_bar=enable_progress_bar,
            limit_val_batches=limit_val_batches,
            limit_predict_batches=limit_predict_batches,
            limit_test_batches=limit_test_batches,
            **kwargs,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Silence Lightning in a process that `ddp_spawn` starts, too, and print there as here."""
        quieten()
        take_output(state.pop("output"))
        self.__dict__.update(state)

    def __getstate__(self) -> dict[str, Any]:
        """Tell another process how to print."""
        return {**self.__dict__, "output": current_output()}

    def validate(self, *args: Any, **kwargs: Any) -> Any:
        """Calibrate; see `Trainer.validate`."""
        with self._ending_all():
            return super().validate(*args, **{"verbose": False, **kwargs})

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Score images; see `Trainer.predict`."""
        with self._ending_all():
            return super().predict(*args, **{"return_predictions": False, **kwargs})

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate; see `Trainer.test`."""
        with self._ending_all():
            return super().test(*args, **{"verbose": False, **kwargs})

    @contextmanager
    def _ending_all(self) -> Iterator[None]:
        """End the other processes if this one fails; exit with the status of a refusal if one of them refused."""
        try:
            yield
        except BaseException as error:
            callbacks: list[Callback] = self.callbacks  # type: ignore[attr-defined]
            if any(callback.end_others() for callback in callbacks if isinstance(callback, EndAllProcesses)):
                raise SystemExit(REFUSED) from error
            raise


def run_trainer(args: Sequence[str]) -> int:
    """Run `validate`, `predict` or `test` with its options; return 1 if no image could be scored, else 0.

    Raises:
        ConfigurationError: for options that do not exist or have a wrong value.
    """
    quieten()
    use_unique_keys()
    _leave_interactive_slurm()
    cli, data = VERBS[args[0]]
    with interruptible(), launching(), unchanged_printing():
        ran = cli(
            FroqModule,
            data,
            trainer_class=FroqTrainer,
            trainer_defaults={
                "logger": False,
                "enable_checkpointing": False,
                "enable_model_summary": False,
            },
            save_config_callback=SaveConfig,
            save_config_kwargs={"save_to_log_dir": False},
            parser_kwargs={"prog": "froq", "exit_on_error": False, "allow_abbrev": False},
            auto_configure_optimizers=False,
            seed_everything_default=False,
            args=list(args),
        )
        return ran.status


def _leave_interactive_slurm() -> None:
    """Have Lightning ignore Slurm unless srun started several tasks.

    Lightning takes any process with SLURM_NTASKS, as in a shell or batch script, for a task of srun, and asks for
    variables that only tasks have; it ignores Slurm where the job is named "interactive".
    """
    if "SLURM_NTASKS" in os.environ and not _is_one_of_several_tasks(os.environ):
        os.environ["SLURM_JOB_NAME"] = "interactive"


def _is_one_of_several_tasks(variables: Mapping[str, str]) -> bool:
    """Return whether this process is one of several tasks that srun started.

    A task of srun has SLURM_STEP_NUM_TASKS. A container may be given SLURM_PROCID alone; a batch script has that too,
    but also SLURM_TASK_PID.
    """
    if "SLURM_STEP_NUM_TASKS" in variables:
        return int(variables["SLURM_STEP_NUM_TASKS"]) > 1
    steps = ("SLURM_STEP_ID", "SLURM_TASK_PID")
    return (
        "SLURM_PROCID" in variables
        and int(variables["SLURM_NTASKS"]) > 1
        and not any(name in variables for name in steps)
    )


def quieten() -> None:
    """Silence Lightning about the hardware it found, its tips, and the number of workers."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # which processes it ends
    for message in TIPS:
        warnings.filterwarnings("ignore", message=message)
