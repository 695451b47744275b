"""Texts on disk, in their order: millions of names without millions of Python objects."""

import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from multiprocessing.reduction import DupFd
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, overload

import numpy as np

from froq_lightning.errors import DataError

BLOCK = 2**10  # texts that are written or read at a time
RUN = 2**15  # texts that are sorted at a time
ENCODING = "utf-8", "surrogatepass"  # file names that are no UTF-8 have surrogates


@dataclass(frozen=True, eq=False)
class StoredTexts(Sequence[str]):
    """Texts in files without a name, which the system deletes when no process has them open, however these end.

    Processes that are forked share them, and so do those that they are sent to.

    Args:
        content: descriptor of a file of the N texts, one behind the other.
        offsets: descriptor of a file of `[N + 1]` int64: where each text begins, and where the last one ends.
        length: N.
    """

    content: int
    offsets: int
    length: int

    def __post_init__(self) -> None:
        for file in (self.content, self.offsets):
            weakref.finalize(self, os.close, file)

    @classmethod
    def of(cls, texts: Iterable[str], folder: Path) -> "StoredTexts":
        """Store texts.

        Args:
            texts: to store.
            folder: for the files; where it cannot be written to, they are in the system's folder for temporary files.

        Raises:
            DataError: if the disk is full or fails.
        """
        with _unnamed(folder) as content, _unnamed(folder) as offsets:
            ends, length, texts = np.zeros(1, dtype=np.int64), 0, iter(texts)
            _write(offsets, ends.tobytes())
            while block := [text.encode(*ENCODING) for text in islice(texts, BLOCK)]:
                ends = ends[-1] + np.cumsum(list(map(len, block)), dtype=np.int64)
                _write(content, b"".join(block))
                _write(offsets, ends.tobytes())
                length += len(block)
            return cls(os.dup(content.fileno()), os.dup(offsets.fileno()), length)

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        places = range(self.length)[index]
        if isinstance(places, int):
            return next(self.part(places, places + 1))
        return [next(self.part(place, place + 1)) for place in places]

    def __iter__(self) -> Iterator[str]:
        return self.part(0, self.length)

    def part(self, start: int, stop: int) -> Iterator[str]:
        """Yield the texts at some positions, one after the other."""
        for first in range(start, stop, BLOCK):
            count = min(BLOCK, stop - first)
            # Reading at a position: processes that were forked share the one that `seek` sets.
            offsets = np.frombuffer(os.pread(self.offsets, 8 * (count + 1), 8 * first), dtype=np.int64)
            ends = (offsets - offsets[0]).tolist()
            content = os.pread(self.content, ends[-1], int(offsets[0]))
            for place in range(count):
                yield content[ends[place] : ends[place + 1]].decode(*ENCODING)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (DupFd(self.content), DupFd(self.offsets), self.length)


def sorted_texts(texts: Iterable[str], folder: Path) -> Iterator[str]:
    """Sort texts of which only a few are in memory at a time: runs of them are sorted, stored and merged.

    Args:
        texts: in any order.
        folder: as in `StoredTexts.of`.

    Raises:
        DataError: if the disk is full or fails.
    """
    runs = StoredTexts.of(_sorted_runs(texts), folder)
    return merge(*(runs.part(start, min(start + RUN, len(runs))) for start in range(0, len(runs), RUN)))


def _sorted_runs(texts: Iterable[str]) -> Iterator[str]:
    texts = iter(texts)
    while run := sorted(islice(texts, RUN)):
        yield from run


def _unnamed(folder: Path) -> IO[bytes]:
    with _disk_errors():  # without a buffer, which a process that is forked would write once more
        return TemporaryFile(buffering=0, dir=folder if os.access(folder, os.W_OK) else None)


def _write(file: IO[bytes], content: bytes) -> None:
    with _disk_errors():
        while content:
            content = content[file.write(content) :]


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"the list of images cannot be kept on disk: {error.strerror}") from error


def _received(content: Any, offsets: Any, length: int) -> StoredTexts:
    return StoredTexts(content.detach(), offsets.detach(), length)
