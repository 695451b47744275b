"""Files on disk or in an object store, read in pieces or stored whole: `s3://`, `gs://`, `hf://`, `https://`, `http://`.

fsspec reads and writes what is elsewhere, as its own settings say (`FSSPEC_S3_ENDPOINT_URL`, credentials of AWS, and so
on). Every request that fails is made again after a pause, which grows. A store that still does not answer ends the run,
which goes on later: its images are not failures.
"""

import io
import os
import random
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

from froq_lightning.bounded_io import require_file
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError, ImageError, StoreError
from froq_lightning.terminal import printable

ATTEMPTS = 10
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 20.0  # seconds
READ_AHEAD = 2**22
VERSIONS = ("ETag", "etag", "LastModified", "Last-Modified", "last_modified", "blob_id", "md5Hash", "mtime", "updated")
# A path has lost one of the two slashes.
_ADDRESS = re.compile(r"(s3|gs|hf|https?):/+")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Stamp:
    """What tells a file from one that took its place: its size in bytes, and its version.

    Args:
        size: in bytes.
        version: the time of the last change in nanoseconds, or what an object store calls its version.
    """

    size: int
    version: str


def is_address(path: Path | str) -> bool:
    """Whether a path leads to an object store or the web."""
    return _ADDRESS.match(str(path)) is not None


def address_of(path: Path | str) -> str:
    """Return an address whole again, of which a path has lost a slash; other paths as they are.

    So it is also what to call a file in messages.
    """
    return _ADDRESS.sub(r"\1://", str(path), count=1)


def file_name(address: str) -> str:
    """Return the name of a file, without the query of a web address, which may be a password."""
    return PurePosixPath(plain(address)).name


def plain(address: str) -> str:
    """Return an address without its query."""
    return urlsplit(address)._replace(query="", fragment="").geturl() if address.startswith("http") else address


def stamp_of(address: str) -> Stamp:
    """Look a file up.

    Raises:
        DataNotFoundError: if it does not exist.
        DataError: if it is no file; a StoreError if the store does not answer.
        ConfigurationError: if what reads such addresses is not installed.
    """
    if not is_address(address):
        path = Path(address)
        require_file(path, path.name)
        return _stamp(path.stat())
    found = _asked(address, lambda store, path: store.info(path))
    if found.get("type") == "directory" or found.get("size") is None:
        raise DataError(f"{file_name(address)!r} is a folder, or of a size that the server does not tell")
    version = next((str(found[key]) for key in VERSIONS if found.get(key)), "")
    return Stamp(int(found["size"]), version)


def list_folder(address: str) -> list[tuple[str, int]]:
    """List the files anywhere below an address, with their sizes in bytes, sorted; see `stamp_of` for errors."""

    def find(store: Any, path: str) -> list[tuple[str, int]]:
        files = store.find(path, detail=True)
        return [(store.unstrip_protocol(name), int(found["size"] or 0)) for name, found in files.items()]

    return sorted(_asked(address, find))


def matching(pattern: str) -> list[str]:
    """List the files of a pattern with wildcards below an address, sorted; see `stamp_of` for errors."""
    return sorted(_asked(pattern, lambda store, path: [store.unstrip_protocol(name) for name in store.glob(path)]))


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, on disk or at an address; 0 if there is none; see `stamp_of` for errors."""
    try:
        return stamp_of(address_of(path)).size
    except DataNotFoundError:
        return 0


def put(file: Path, address: str) -> None:
    """Store a file at an address, where it appears whole or not at all.

    Raises:
        StoreError: if the store does not take it.
        ConfigurationError: if nothing can be written at such addresses.
    """
    require_writable(address)
    _asked(address, lambda store, path: store.put_file(str(file), path), "written")


def require_writable(address: str) -> None:
    """Refuse an address at which nothing can be written.

    Raises:
        ConfigurationError: for such an address.
    """
    if address.startswith("http"):
        raise ConfigurationError(
            "Expected the output to be a file, or to lie in an object store (s3://, gs://, hf://), but got "
            f"{plain(address)!r}"
        )


@contextmanager
def opened(address: str) -> Iterator[BinaryIO]:
    """Open a file to be read from its beginning, with seeks."""
    if not is_address(address):
        with Path(address).open("rb") as local:
            yield local
        return
    with io.BufferedReader(_Ranges(address, stamp_of(address)), READ_AHEAD) as file:
        yield file


def read_range(address: str, start: int, length: int, stamp: Stamp) -> bytes:
    """Read some bytes of a file; less where it ends before.

    Args:
        address: of the file.
        start: position of the first byte.
        length: number of bytes.
        stamp: that the file had when the position was looked up.

    Raises:
        ImageError: if the file does not exist, is unreadable, or, on disk, another than it was.
        StoreError: if an object store does not answer.
    """
    if not is_address(address):
        return _read_local(Path(address), start, length, stamp)
    length = min(length, stamp.size - start)
    if length <= 0:
        return b""

    def read(store: Any, path: str) -> bytes:
        content: bytes = store.cat_file(path, start=start, end=start + length)
        if len(content) != length:
            raise OSError(f"{len(content):,} bytes came, not {length:,}; the server may know no ranges")
        return content

    try:
        return _asked(address, read)
    except DataNotFoundError as error:
        raise ImageError(str(error)) from error


def _read_local(path: Path, start: int, length: int, stamp: Stamp) -> bytes:
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


def _asked(address: str, request: Callable[[Any, str], _Answer], done: str = "read") -> _Answer:
    """Make a request of the store of an address, again after a pause where it fails."""
    name = file_name(address)
    for attempt in range(ATTEMPTS):
        try:
            # In every process anew: connections do not survive a fork, and fsspec keeps one per process.
            return request(*_store(address))
        except FileNotFoundError:
            raise DataNotFoundError(f"file {name!r} does not exist") from None
        except PermissionError as error:
            raise StoreError(f"{name} may not be {done}: {_reason(error)}") from error
        except ConfigurationError:
            raise
        except Exception as error:  # of the network, the server, and the libraries, each of which has its own
            if _is_final(error) or attempt == ATTEMPTS - 1:
                raise StoreError(f"{name} cannot be {done}, in {attempt + 1} attempts: {_reason(error)}") from error
        time.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
    raise AssertionError


def _store(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - takes a moment

        store, path = url_to_fs(address)
    except ImportError as error:
        scheme = address.partition("://")[0]
        raise ConfigurationError(
            f"{scheme}:// needs another library ({_reason(error)}): pip install 'froq-lightning[remote]'"
        ) from error
    return store, path


def _is_final(error: Exception) -> bool:
    """Tell an error that another attempt meets too: the request is wrong, or there are no credentials."""
    status = getattr(error, "status", None)
    refused = isinstance(status, int) and 400 <= status < 500 and status not in (408, 429)
    return refused or "Credentials" in type(error).__name__


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {printable(lines[0][:200])}" if lines else type(error).__name__


class _Ranges(io.RawIOBase):
    """A file of an object store, read range by range."""

    def __init__(self, address: str, stamp: Stamp) -> None:
        self._address = address
        self._stamp = stamp
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._stamp.size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        content = read_range(self._address, self._place, len(buffer), self._stamp)
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)
