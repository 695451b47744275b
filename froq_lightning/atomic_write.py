"""Files that appear whole or not at all, also where the process or the power dies, and that replace only their like.

A path may also be an address in an object store: then the file is made on disk, and stored at once.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from froq_lightning.errors import ConfigurationError
from froq_lightning.stored_files import address_of, is_address, opened, put, require_writable, size_of

# Bytes at the beginning and at the end of a file by which its kind is known.
ENDS = 4096
# Of a file in an object store; those that are known by all of their content are smaller.
FETCHED = 2**16
# Tells by its content whether the tool wrote a file.
Signature = Callable[[Path], bool]


def signature(pattern: bytes) -> Signature:
    """Make a mark of a regular expression: what begins a file, perhaps with what stands near its end."""
    known = re.compile(pattern, re.DOTALL)

    def is_own(path: Path) -> bool:
        with path.open("rb") as file:
            head = file.read(ENDS)
            file.seek(max(len(head), os.fstat(file.fileno()).st_size - ENDS))
            return known.match(head + file.read()) is not None

    return is_own


def require_replaceable(path: Path, is_own: Signature) -> None:
    """Refuse a path at which something lies that the tool did not write; nothing is lost with an empty file.

    Raises:
        ConfigurationError: for such a path.
    """
    try:
        own = _is_replaceable_at(path, is_own) if is_address(path) else _is_replaceable(path, is_own)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigurationError(f"the output {str(path)!r} cannot be looked at: {error.strerror}") from error
    if not own:
        raise ConfigurationError(
            f"{address_of(path)!r} is to be written, but holds something that this command did not write; move it, or "
            "give another output"
        )


@contextmanager
def atomic_write(path: Path, is_own: Signature) -> Iterator[Path]:
    """Give a place beside `path` to write to; what was written there takes the name of `path` if nothing is raised.

    What goes to an object store is written to the folder for temporary files, and removed from there in any case.

    A link is followed: its target is replaced. The place is the same every time, so that what a killed process left
    there is overwritten. One process at a time may publish at a path.

    Args:
        path: of the file.
        is_own: whether a file that lies there may be replaced.

    Raises:
        ConfigurationError: if it may not.
        StoreError: if an object store does not take it.
    """
    if is_address(path):
        with TemporaryDirectory() as folder:
            place = Path(folder, path.name)
            yield place
            require_replaceable(path, is_own)
            put(place, address_of(path))
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.froq-new")
    try:
        partial.unlink(missing_ok=True)  # may be a link
        yield partial
        fsync(partial)
        require_replaceable(path, is_own)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows does not open folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_replaceable(path: Path, is_own: Signature) -> bool:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"Expected the output to be a file, but {str(path)!r} is {_kind(found)}")
    return not found.st_size or is_own(path)


def _is_replaceable_at(path: Path, is_own: Signature) -> bool:
    """Look at the ends of a file in an object store, in a file of the same name and size that holds nothing else."""
    require_writable(address := address_of(path))
    if not (size := size_of(path)):
        return True
    with TemporaryDirectory() as folder, Path(folder, path.name).open("wb") as ends, opened(address) as file:
        for start in (0, max(0, size - FETCHED)):
            file.seek(start)
            ends.seek(start)
            ends.write(file.read(FETCHED))
        ends.flush()
        return is_own(Path(ends.name))


def _kind(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    return "a pipe or device, where no result can appear as a whole; write to a file, and pass that on"
