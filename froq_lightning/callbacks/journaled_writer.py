"""Callbacks that keep a journal of a run, so that the same command goes on where a killed one ended."""

from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks.output_writer import OutputWriter, journaled_data
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.errors import ConfigurationError, JournalError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import Journal
from froq_lightning.module import FroqModule
from froq_lightning.runs.launcher import Launcher
from froq_lightning.runs.processes import gathered, process_number
from froq_lightning.runs.trainer_options import limits
from froq_lightning.stored_files import address_of, is_address
from froq_lightning.terminal import Line, show

# Another version of one of these may compute other last digits.
SOFTWARE = ("froq-lightning", "torch", "torchvision", "timm", "numpy", "pillow")


class JournaledWriter(OutputWriter):
    """Records every step of a verb in the journal `PATH.partial`, and writes the result at the end.

    The journal of a result in an object store lies in the folder `froq_journals` of the run.

    If the journal of an unfinished run exists, its steps are taken over, and their images are not read again. The
    journal of another configuration, observer, network or list of images is refused with an error that names the
    differences. A run on anything but a FaceDataModule or TrialDataModule, or limited to some batches, always starts
    from the beginning.

    Args:
        path: of the result.
        restart: whether to delete the journal of an unfinished run.
    """

    stage: ClassVar[str]
    # Whether the journal lists the images, to tell which came and went.
    keeps_names = True

    def __init__(self, path: str | Path, *, restart: bool = False) -> None:
        self.path = Path(path)
        self.restart = restart
        self.journal = Journal(self.path)
        self._launcher = Launcher()
        self._data: FaceDataModule | TrialDataModule | None = None
        self._is_limited = False
        self._is_written = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Open the journal, before the images are divided into batches."""
        if stage != self.stage:
            return
        super().setup(trainer, pl_module, stage)
        if not isinstance(pl_module, FroqModule):
            raise ConfigurationError(f"{type(self).__name__} works with FroqModule, not {type(pl_module).__name__}")
        self._launcher = Launcher()
        place = journal_place(self.path, Path(trainer.default_root_dir))
        self.journal = Journal(place, trainer.global_rank, trainer.world_size)
        self._is_written = self._is_limited = False
        limited, data = limits(trainer, stage), journaled_data(trainer)
        self._data = data
        self.require_data(data)
        identity = {"software": {name: metadata.version(name) for name in SOFTWARE}}
        if data is None:
            self.journal.open(self.journal.identity(identity, ()), (), restart=True)
            return
        if not self.restart:
            pl_module.memory_layout.keep(self.journal.earlier().get("model", {}))
        names = data.names()
        facts = {**identity, "model": pl_module.identity_of_run(stage), "data": data.identity(), **limited}
        identity = self.journal.identity({**facts, **self.facts()}, names)
        images = len(data.positions()) if isinstance(data, FaceDataModule) else len(names)
        if self.is_done(identity):
            data.skip([(0, images, images)])
            return
        listed = names if self.keeps_names else ()
        self.journal.open(identity, listed, restart=self.restart)
        if limited:  # opened again: only a limited run's own journal may be deleted
            self.journal.close()
            self.journal.open(identity, listed, restart=True)
            self._is_limited = True  # not before: a refused run leaves the journal that it found
        self._skip_done(data, trainer, images)

    def require_data(self, data: FaceDataModule | TrialDataModule | None) -> None:
        """Refuse a data module that does not feed what this writes."""

    def facts(self) -> dict[str, Any]:
        """Say, as JSON values, what else the steps depend on."""
        return {}

    def is_done(self, identity: dict[str, Any]) -> bool:
        """Whether an earlier run has written the result of a run of that identity, so that no step is left."""
        del identity
        return False

    def record(self, block: Block) -> None:
        """Append a step.

        Raises:
            JournalError: if the process that started this one is gone.
        """
        if self._launcher.is_gone:
            raise JournalError("the first process of the run is gone; the same command goes on with what is done")
        if block.facts["samples"]:
            size = None if self._data is None else self._data.batch_size
            self.journal.append(replace(block, facts={**block.facts, "batch_size": size}))

    def finish_recording(self, trainer: Trainer) -> bool:
        """Wait until all processes are done; return whether this one is to write the result."""
        self.journal.close()
        trainer.strategy.barrier("froq_journal")
        return trainer.is_global_zero

    def mark_written(self) -> None:
        """Note that the result is written: the journal is deleted when the run ends."""
        self._is_written = True

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close the journal; delete it if the same command would not go on with it."""
        del pl_module, exception
        self.journal.abandon()
        if self._is_written or (self._is_limited and trainer.is_global_zero):
            self.journal.remove()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Delete the journal, once all callbacks have read it; also one without a step."""
        del trainer, pl_module, stage
        self.journal.abandon()
        if self._is_written:
            self.journal.remove()

    def _skip_done(self, data: FaceDataModule | TrialDataModule, trainer: Trainer, images: int) -> None:
        facts = [block.facts for block in self.journal.done()]
        data.skip([(each.get("loader", 0), each["samples"], each.get("batch_size", each["samples"])) for each in facts])
        done = sum(gathered({process_number(): sum(each["samples"] for each in facts)}).values())
        if done and trainer.is_global_zero:
            show(Line(f"going on: {done} of {images} done, as {self.journal.folder} says", "status"))


def journal_place(path: Path, run_folder: Path) -> Path:
    """Return the path whose `.partial` is the journal: that of the result, but on disk."""
    if not is_address(path):
        return path
    return run_folder / "froq_journals" / address_of(path).partition("://")[2]
