"""The configuration of a run, kept beside its output."""

import hashlib
import os
import re
from collections.abc import Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from froq_lightning.atomic_write import Signature, atomic_write
from froq_lightning.callbacks.output_writer import OutputWriter

FIRST_LINE = re.compile(rb"# saved by froq (\w+) [^ \n]+, sha256 of its name and the lines below: ([0-9a-f]{64})\n")


class SaveConfig(SaveConfigCallback, OutputWriter):
    """Saves the configuration of a run beside its output, once the run is known to start.

    Attributes:
        path: of the file; to be set before the run.
        verb: the command; likewise.
    """

    path: Path
    verb: str

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the file."""
        return [(self.path, partial(is_saved, self.verb))]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Do not save yet: the module may still refuse its Observer, or the data."""

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Save the configuration, before the first batch."""
        del batch, batch_idx, dataloader_idx
        if not self.already_saved:
            super().setup(trainer, pl_module, self.verb)

    on_predict_batch_start = on_test_batch_start = on_validation_batch_start

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the file."""
        del trainer, pl_module, stage
        content = self.parser.dump(self.config, skip_none=False).encode("utf-8")
        made_by = f"froq {self.verb} {metadata.version('froq-lightning')}"
        first = f"# saved by {made_by}, sha256 of its name and the lines below: {_digest(self.path, content)}\n"
        with atomic_write(self.path, partial(is_saved, self.verb)) as place:
            place.write_bytes(first.encode("ascii") + content)


def is_saved(verb: str, path: Path) -> bool:
    """Return whether a run of that verb saved the file; one that was edited, or copied, is the user's own."""
    content = path.read_bytes()
    found = FIRST_LINE.match(content)
    digest = found and _digest(path, content[found.end() :])
    return found is not None and found.groups() == (verb.encode("ascii"), str(digest).encode("ascii"))


def _digest(path: Path, content: bytes) -> str:
    return hashlib.sha256(os.fsencode(path.name) + b"\n" + content).hexdigest()
