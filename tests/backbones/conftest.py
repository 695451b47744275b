"""Plugins as they lie in folders: hand-written distributions, good and broken, beside each other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.extensions import BACKBONES


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Path]:
    """Write a distribution's metadata into a folder, as an installer would leave it."""

    def write(
        distribution: str, entries: str | bytes, folder: str = "site", group: str = BACKBONES, fields: str = ""
    ) -> Path:
        info = tmp_path / folder / f"{distribution}-1.5.dist-info"
        info.mkdir(parents=True)
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n{fields}"
        (info / "METADATA").write_text(head, encoding="utf-8")
        content = entries if isinstance(entries, bytes) else f"[{group}]\n{entries}\n".encode()
        (info / "entry_points.txt").write_bytes(content)
        return tmp_path / folder

    return write


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from, for the modules of plugins."""
    folder = tmp_path / "site"
    folder.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(str(folder))
    return folder
