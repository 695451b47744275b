"""Files that are read in pieces, by their paths."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from froq_lightning.bounded_io import require_file
from froq_lightning.errors import ImageError


@dataclass(frozen=True)
class Stamp:
    """What tells a file from one that took its place: its size in bytes, and its version.

    Args:
        size: in bytes.
        version: the time of the last change in nanoseconds.
    """

    size: int
    version: str


def stamp_of(address: str) -> Stamp:
    """Look a file up.

    Raises:
        DataNotFoundError: if it does not exist.
        DataError: if it is no file.
    """
    path = Path(address)
    require_file(path, path.name)
    return _stamp(path.stat())


@contextmanager
def opened(address: str) -> Iterator[BinaryIO]:
    """Open a file to be read from its beginning, with seeks."""
    with Path(address).open("rb") as file:
        yield file


def read_range(address: str, start: int, length: int, stamp: Stamp) -> bytes:
    """Read some bytes of a file.

    Args:
        address: of the file.
        start: position of the first byte.
        length: number of bytes.
        stamp: that the file had when the position was looked up.

    Raises:
        ImageError: if the file is unreadable, or another than it was.
    """
    path = Path(address)
    try:
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or _stamp(status) != stamp:
                raise ImageError(f"{path.name} has changed since the run began")
            file.seek(start)
            return file.read(length)
    except OSError as error:
        raise ImageError(f"{path.name} is unreadable: {error.strerror}") from error


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, str(status.st_mtime_ns))
