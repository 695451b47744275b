"""A page that a run writes: HTML that needs no network and no other file, and is of use without script."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.output_writer import OutputWriter
from froq_lightning.errors import ConfigurationError
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import wrote


def require_matplotlib(drawing: str, alternative: str) -> None:
    """Refuse to draw without matplotlib.

    Raises:
        ConfigurationError: if it is not installed; says what would be drawn, and what can be done.
    """
    if find_spec("matplotlib") is None:
        hint = f"run `pip install 'froq-lightning[report]'`, or {alternative}"
        raise ConfigurationError(f"Expected matplotlib, which draws {drawing}, to be installed; {hint}")


class Report(OutputWriter):
    """Where a page goes, and how many faces it shows.

    Attributes:
        title: that its pages begin with; by it an earlier one is known.

    Args:
        path: of the page.
        faces: number of images shown at either end of every ranking; 0 for none.

    Raises:
        ConfigurationError: without matplotlib, or for a number below 0.
    """

    title: ClassVar[str]

    def __init__(self, path: str | Path, faces: int = 8) -> None:
        require_matplotlib("the report", "switch the report off with --report=false")
        if faces < 0:
            raise ConfigurationError(f"Expected `faces` to be at least 0, but got {faces}")
        self.path = Path(path)
        self.faces = faces

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the page."""
        return [(self.path, self._signature())]

    def write(self, page: str) -> None:
        """Write the page: it appears whole or not at all."""
        with atomic_write(self.path, self._signature()) as place:
            place.write_text(page, encoding="utf-8")
        wrote("report", address_of(self.path))

    def _signature(self) -> Signature:
        made_by = rb'<!DOCTYPE html>.*<meta name="generator" content="froq-lightning .*<title>'
        return signature(made_by + self.title.encode("ascii"))
