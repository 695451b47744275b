"""Files that appear whole or not at all, also where the process or the power dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to; what was written there takes the name of `path` if nothing is raised.

    The place is the same every time, so that what a killed process left there is overwritten. One process at a time
    may publish at a path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.new")
    try:
        yield partial
        settle(partial)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    settle(path.parent)


def settle(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows does not open folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
