"""An output format of somebody else: one file and one entry point."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.extensions import FORMATS

LINES = """\
from froq_lightning.atomic_write import signature
from froq_lightning.formats import Format

def write(path, results):
    path.write_text("lines\\n" + "".join(f"{row.image}|{row.quality}\\n" for row in results.rows()), encoding="utf-8")

LINES = Format((".lines",), "scores", signature(rb"lines\\n"), write)
"""


@pytest.fixture
def lines(install: Callable[..., Path], on_path: Path) -> None:
    """Install a format of scores with the suffix .lines."""
    (on_path / "froq_lines.py").write_text(LINES)
    install("froq_lines", "lines = froq_lines:LINES", group=FORMATS)
