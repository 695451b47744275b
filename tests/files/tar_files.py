"""Tar files, some of which nobody would make."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest


def write_tar(path: Path, entries: dict[str, bytes | tarfile.TarInfo], kind: int = tarfile.PAX_FORMAT) -> Path:
    """Write a tar file; a `TarInfo` in place of bytes is a header as it stands."""
    with tarfile.open(path, "w", format=kind) as file:
        for title, content in entries.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(title)
            entry.name = title
            if isinstance(content, bytes):
                entry.size = len(content)
                file.addfile(entry, io.BytesIO(content))
            else:
                file.addfile(entry)
    return path


def header(kind: bytes, target: str = "", size: int = 0) -> tarfile.TarInfo:
    """Make a header of an entry."""
    made = tarfile.TarInfo("x")
    made.type, made.linkname, made.size = kind, target, size
    return made


@pytest.fixture(scope="session")
def tar_folder(crops: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crops as WebDataset has them: three tar files of four, with the subject of each in a .cls file."""
    folder = tmp_path_factory.mktemp("tar") / "shards"
    folder.mkdir()
    for shard in range(3):
        part = list(enumerate(crops))[4 * shard : 4 * shard + 4]
        entries = {f"{n:03}.jpg": crop.content for n, crop in part} | {
            f"{n:03}.cls": crop.subject.encode() for n, crop in part
        }
        write_tar(folder / f"faces-{shard}.tar", dict(sorted(entries.items())))
    return folder
