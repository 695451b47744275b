"""Callbacks that write files."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.atomic_write import Signature, require_replaceable
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.errors import ConfigurationError


class OutputWriter(Callback, ABC):
    """A callback that writes files, and refuses before the run to replace any but its own earlier ones."""

    @abstractmethod
    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the files, each with the signature by which an earlier one is known."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse to replace other files."""
        del trainer, pl_module, stage
        for path, is_own in self.outputs():
            require_replaceable(path, is_own)


def trial_data(trainer: Trainer, caller: str) -> TrialDataModule:
    """Return the TrialDataModule that feeds the run.

    Raises:
        ConfigurationError: if it is fed by something else; names the caller.
    """
    data = trainer.datamodule  # type: ignore[attr-defined]  # set where annotations do not reach
    if not isinstance(data, TrialDataModule):
        raise ConfigurationError(f"{caller} works with TrialDataModule, not {type(data).__name__}")
    return data


def face_data(trainer: Trainer) -> FaceDataModule | None:
    """Return the FaceDataModule that feeds the run; None if it is fed by something else."""
    data = trainer.datamodule  # type: ignore[attr-defined]  # set where annotations do not reach
    return data if isinstance(data, FaceDataModule) else None


def journaled_data(trainer: Trainer) -> FaceDataModule | TrialDataModule | None:
    """Return the data module that feeds the run, which can leave out what is done; None if something else does."""
    data = trainer.datamodule  # type: ignore[attr-defined]  # set where annotations do not reach
    return data if isinstance(data, (FaceDataModule, TrialDataModule)) else None
