"""After `predict` on a part of the images: its rows in a file of their own, for `froq merge`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature
from froq_lightning.calibration.observer_warnings import doubts
from froq_lightning.callbacks.output_writer import face_data
from froq_lightning.callbacks.quality_writer import QualityWriter
from froq_lightning.errors import ConfigurationError, JournalError
from froq_lightning.formats.format import Named
from froq_lightning.journal.journal import differences
from froq_lightning.journal.part import Part
from froq_lightning.journal.part_file import IS_PART, PartFile
from froq_lightning.journal.parts import without_places
from froq_lightning.module import FroqModule
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import FAILED
from froq_lightning.runs.trainer_options import limits
from froq_lightning.stored_files import address_of, size_of
from froq_lightning.terminal import Line, show, tell, wrote


class PartWriter(QualityWriter):
    """Writes the rows of a part of the images, perhaps with embeddings and quality components, beside the output.

    The file is `PATH.part-0017-of-1000`. If it is there already, whole and of the same run, no image is read; a damaged
    one is made again, and one of another run is refused with an error that names the differences.

    Args:
        path: of the scores that all parts make together.
        part: which one, such as 17/1000; the `FaceDataModule` must have the same one.
        embeddings: of the file of embeddings, if they are wanted.
        format_: see `QualityWriter`.
        restart: whether to drop what is there of the part, finished or not.
    """

    # Or a thousand parts would list all images a thousand times.
    keeps_names = False

    def __init__(
        self,
        path: str | Path,
        part: str,
        embeddings: str | Path | None = None,
        *,
        format_: Named = None,
        restart: bool = False,
    ) -> None:
        super().__init__(path, embeddings, format_=format_, restart=restart)
        self.part: Part = Part.parse(part)
        self.path = self.part.file(self.path)
        self._identity: dict[str, Any] = {}
        self._done: PartFile | None = None

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the file of the part."""
        return [(self.path, IS_PART)]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse a limit to the batches of the part; see `QualityWriter.setup`."""
        if stage == self.stage and (limited := limits(trainer, stage)):
            named = ", ".join(f"trainer.{name} {limit}" for name, limit in limited.items())
            raise ConfigurationError(f"Expected all images of part {self.part} to be scored, but got {named}")
        super().setup(trainer, pl_module, stage)

    def facts(self) -> dict[str, Any]:
        """Say how many parts there are."""
        return {"parts": self.part.count}

    def is_done(self, identity: dict[str, Any]) -> bool:
        """Whether the file of the part is there, and whole.

        Raises:
            JournalError: saying what differs, if it is of another run.
        """
        self._identity, self._done = identity, None
        if self.restart or not size_of(self.path):
            return False
        done = PartFile.read(self.path)
        if differing := list(differences(without_places(done.identity), without_places(identity))):
            raise JournalError(
                f"{address_of(self.path)!r} is of a run that differs from this one: {'; '.join(differing)}. Give "
                "another --output, or replace it with --restart=true"
            )
        if done.is_whole():
            self._done = done
        return self._done is not None

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the rows of all processes, unless the part was done already."""
        data = face_data(trainer)
        if not self.finish_recording(trainer) or data is None:
            return
        images, done = data.positions(), self._done
        if done is None:
            known = pl_module.observer if isinstance(pl_module, FroqModule) else None
            remarks = tuple(doubts(known) if known else ())
            done = PartFile(self.path, self.part, images, self._identity, machine(trainer), remarks).write(self.journal)
            self.mark_written()
        self.prediction = Prediction(done, len(images), images.start)
        failed = sum(row.status == FAILED for row in self.prediction.rows())
        already = " was done already" if self._done else ""
        of_all = f"{len(images):,} of {len(data.faces):,} images"
        show(Line(f"part {self.part}{already}: {of_all}, {failed:,} not scored", "status"))
        tell(part=str(self.part), images={"total": len(images), "scored": len(images) - failed, "failed": failed})
        wrote("part", address_of(self.path))


def machine(trainer: Trainer) -> str:
    """Name the hardware of this process as far as the last digits of scores depend on it."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()} with {threads} thread{'s' * (threads != 1)}"
