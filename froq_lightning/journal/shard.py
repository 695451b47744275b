"""An append-only file of blocks with checksums: whenever its writer dies, all blocks before that can be read."""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from froq_lightning.errors import JournalError
from froq_lightning.journal.block import Block
from froq_lightning.stored_files import address_of, opened

MAGIC = b"froq shard 1\n"
LENGTH = 8
CHECKSUM = hashlib.sha256().digest_size
# What may be lost when the power goes; a killed process loses nothing that it has appended.
SECONDS_BETWEEN_SYNCS = 10.0


class Shard:
    """The blocks of one process, which alone writes to the file while it holds it.

    Args:
        path: of the file.

    Raises:
        JournalError: if another process writes to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise JournalError(
                f"another run is writing to {str(path.parent)!r}; wait until it ends, or end it"
            ) from None
        self._synced = time.monotonic()

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks up to the first damaged one; exhausted, it is ready for more to be appended behind them."""
        self._file.seek(0)
        end = 0
        for block, end in _good_blocks(self._file):  # noqa: B007 - the last end is needed
            yield block
        self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)

    def clear(self) -> None:
        """Drop all blocks."""
        self._file.truncate(0)
        self._file.seek(0)

    def append(self, block: Block) -> None:
        """Write a block; when this returns, a kill no longer loses it.

        Raises:
            OSError: if the disk is full or fails.
        """
        head = MAGIC if self._file.tell() == 0 else b""
        rest = memoryview(head + framed(block))
        while rest:
            rest = rest[self._file.write(rest) :]
        if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def framed(block: Block) -> bytes:
    """Return the bytes of a block as they stand in a file: its length, its checksum, and itself."""
    content = block.to_bytes()
    return len(content).to_bytes(LENGTH, "little") + _checksum(content) + content


def read_blocks(path: Path, magic: bytes = MAGIC, skip: int = 0) -> Iterator[Block]:
    """Yield the blocks of a file that nobody writes to, up to the first damaged one.

    Args:
        path: of the file.
        magic: what the file begins with.
        skip: how many blocks are passed over, without a look at them.
    """
    with opened(address_of(path)) as file:
        yield from (block for block, _ in _good_blocks(file, magic, skip))


def _good_blocks(file: BinaryIO, magic: bytes = MAGIC, skip: int = 0) -> Iterator[tuple[Block, int]]:
    """Yield blocks, and where each ends."""
    if file.read(len(magic)) != magic:
        return
    end, size = len(magic), file.seek(0, os.SEEK_END)
    file.seek(end)
    while len(head := file.read(LENGTH + CHECKSUM)) == LENGTH + CHECKSUM:
        length = int.from_bytes(head[:LENGTH], "little")
        end += len(head) + length
        if skip:
            skip -= 1
            file.seek(end)
            continue
        content = file.read(length) if end <= size else b""
        if len(content) != length or _checksum(content) != head[LENGTH:]:
            return
        yield Block.from_bytes(content), end


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _lock(file: BinaryIO) -> None:
    """Hold a lock that ends with this process, even where processes that it started live on."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
