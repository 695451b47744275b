"""Callbacks that keep a journal of a run, so that the same command goes on where a killed one ended."""

from importlib import metadata
from pathlib import Path
from typing import ClassVar

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks.outputs import OutputWriter
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError, JournalError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import Journal
from froq_lightning.module import FroqModule
from froq_lightning.runs.launcher import Launcher
from froq_lightning.runs.processes import gathered, process_number
from froq_lightning.runs.trainer_options import limits

# Whatever computes; another version may compute other last digits.
SOFTWARE = ("froq-lightning", "torch", "torchvision", "timm", "numpy", "pillow")


class JournaledWriter(OutputWriter):
    """Records every step of a verb in the journal `PATH.partial`, and publishes the result at the end.

    Where the journal of an unfinished run lies already, its steps are taken over, and their images are not read again.
    The journal of another configuration, observer, network or list of images is refused, and what differs is told.
    Images that do not come from a FaceDataModule are always begun anew, as is a run that is limited to some batches.

    Args:
        path: of the result.
        restart: whether to drop what an unfinished run left.
    """

    stage: ClassVar[str]

    def __init__(self, path: str | Path, *, restart: bool = False) -> None:
        self.path = Path(path)
        self.restart = restart
        self.journal = Journal(self.path)
        self._launcher = Launcher()
        self._is_limited = False
        self._is_published = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Open the journal, before the images are divided into batches."""
        if stage != self.stage:
            return
        super().setup(trainer, pl_module, stage)
        if not isinstance(pl_module, FroqModule):
            raise ConfigurationError(f"{type(self).__name__} works with FroqModule, not {type(pl_module).__name__}")
        limited = limits(trainer, stage)
        self._launcher = Launcher()
        data = getattr(trainer, "datamodule", None)
        identity = {"software": {name: metadata.version(name) for name in SOFTWARE}}
        self.journal = Journal(self.path, trainer.global_rank, trainer.world_size)
        self._is_limited = self._is_published = False
        if not isinstance(data, FaceDataModule):
            self.journal.open(identity, (), restart=True)
            return
        identity |= {"model": pl_module.identity_of_run(stage), "data": data.identity(), **limited}
        names = [image.key for image in data.faces.images]
        self.journal.open(identity, names, restart=self.restart)
        self._is_limited = bool(limited)
        if limited:  # it begins anew, but not on what a whole run left
            self.journal.close()
            self.journal.open(identity, names, restart=True)
        self._pass_over_what_is_done(data, trainer)

    def record(self, block: Block) -> None:
        """Append a step."""
        if self._launcher.is_gone:
            raise JournalError("the first process of the run is gone; the same command goes on with what is done")
        if block.facts["samples"]:
            self.journal.append(block)

    def publish(self, trainer: Trainer) -> bool:
        """Wait until all processes are done; say whether this one is to publish the result."""
        self.journal.close()
        trainer.strategy.barrier("froq_journal")
        return trainer.is_global_zero

    def mark_published(self) -> None:
        """Note that the result is out, and the journal of no more use to another run."""
        self._is_published = True

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave no open file behind, and no journal that the same command would not go on with."""
        del pl_module, exception
        self.journal.abandon()
        if self._is_published or (self._is_limited and trainer.is_global_zero):
            self.journal.remove()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Delete the journal, once all callbacks have read it; also one without a step."""
        del trainer, pl_module, stage
        self.journal.abandon()
        if self._is_published:
            self.journal.remove()

    def _pass_over_what_is_done(self, data: FaceDataModule, trainer: Trainer) -> None:
        steps = [block.facts["samples"] for block in self.journal.done()]
        data.skip(sum(steps))
        if steps and data.batch_size == "auto":
            data.batch_size = steps[0]
        done = sum(gathered({process_number(): data.done}).values())
        if done and trainer.is_global_zero:
            print(f"going on: {done} of {len(data.faces)} done, as {self.journal.folder} says", flush=True)
