"""What a run is to write, known before it begins."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.atomic_write import Signature, require_replaceable
from froq_lightning.errors import ConfigurationError


class OutputWriter(Callback, ABC):
    """A callback that writes files, and refuses before the run to replace any but its own earlier ones."""

    @abstractmethod
    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the files, each with the mark by which an earlier one is known."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Look at what lies there."""
        del trainer, pl_module, stage
        for path, is_own in self.outputs():
            require_replaceable(path, is_own)


def require_suffix(what: str, path: Path, suffixes: Sequence[str]) -> None:
    """Refuse a kind of file that is not written.

    Args:
        what: is to be written.
        path: of the file.
        suffixes: of the kinds that are written, in lower case; the empty one allows for none.

    Raises:
        ConfigurationError: naming them.
    """
    if path.suffix.lower() not in suffixes:
        *others, last = filter(None, suffixes)
        listed = f"{', '.join(others)} or {last}" if others else last
        raise ConfigurationError(f"Expected {what} to go to a {listed} file, but got {str(path)!r}")
