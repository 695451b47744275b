"""An index of the images in large files: names, places and subjects, in a SQLite file that is made once.

Memory does not grow with the number of images. A shard is a file that holds images; each is read once, in a transaction
of its own, so that a killed process goes on behind the last one, and several processes share the work.
"""

import os
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from froq_lightning.data.image_refs import ImageRef, LazyRefs
from froq_lightning.data.shards import Shard, StoredImage, stamp_of_shards
from froq_lightning.errors import DataError
from froq_lightning.names import digest_of
from froq_lightning.stored_files import Stamp, file_name
from froq_lightning.terminal import printable

FOLDER = "froq_indexes"
SECONDS_TO_WAIT = 3600.0  # for another process that reads a shard
KINDS_SHOWN = 5
TABLES = """
CREATE TABLE IF NOT EXISTS shards (shard INTEGER PRIMARY KEY, identity TEXT NOT NULL, images INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (one INTEGER PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS passed_over (kind TEXT PRIMARY KEY, count INTEGER NOT NULL, example TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS images (
    shard INTEGER, row INTEGER, key TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    subject TEXT NOT NULL, problem TEXT NOT NULL, PRIMARY KEY (shard, row)
) WITHOUT ROWID;
"""
COUNT_OTHER = """
INSERT INTO passed_over VALUES (?, 1, ?)
ON CONFLICT (kind) DO UPDATE SET count = count + 1, example = min(example, excluded.example)
"""


class Entry(NamedTuple):
    """An image in a shard.

    Args:
        key: name of the image in every output.
        start: position of its first byte.
        length: in bytes.
        subject: who is shown; empty if that is not known.
        problem: why it cannot be used; empty if nothing is known against it.
    """

    key: str
    start: int
    length: int
    subject: str = ""
    problem: str = ""


class Other(NamedTuple):
    """What is in a shard besides images: its kind, such as `.txt`, and its name."""

    kind: str
    name: str


Listing = Callable[[Shard], Iterable[Entry | Other]]


@dataclass(frozen=True, eq=False)
class ImageIndex(LazyRefs):
    """The images of all shards, in the order of the shards and of the images in them.

    Args:
        file: of the index.
        shards: whose images it lists.
        ends: for every shard, how many images there are up to its last one.
        stamp: of all shards: another one where a shard has changed.
        digest: of the names of all images.
    """

    file: Path
    shards: Sequence[Shard]
    ends: Sequence[int]
    stamp: Stamp
    digest: str
    _connections: dict[int, sqlite3.Connection] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, shards: Sequence[Shard], listing: Listing, folder: Path) -> "ImageIndex":
        """Open the index of some shards, and list the images of those that it lacks.

        Args:
            shards: at least one.
            listing: gives the images of a shard, and what else is in it.
            folder: for indexes.

        Raises:
            DataError: if a shard is malformed, holds a name twice, or if the file of the index is damaged.
        """
        stamp = stamp_of_shards(shards)
        file = folder.absolute() / FOLDER / f"{stamp.version[:32]}.sqlite"
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(file, SECONDS_TO_WAIT, isolation_level=None)) as base:
                base.executescript(TABLES)
                counts = [_images_of(base, number, shard, listing) for number, shard in enumerate(shards)]
                digest = _digest_of_keys(base)
        except sqlite3.Error as error:
            raise DataError(f"the index {str(file)!r} cannot be used: {error}; delete it to make it anew") from error
        return cls(file, shards, list(accumulate(counts)), stamp, digest)

    def __len__(self) -> int:
        return self.ends[-1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_connections": {}}

    def __iter__(self) -> Iterator[ImageRef]:
        for shard, *row in self._rows("shard, key, start, length, subject, problem"):
            yield self._image(shard, row)

    def keys_in_order(self) -> Iterator[str]:
        """Yield the names of the images, one after the other."""
        return (key for (key,) in self._rows("key"))

    def digest_of_keys(self) -> str:
        """Return the digest of the names, which is kept in the index: a part of a run is not to read all names."""
        return self.digest

    def subjects_in_order(self) -> Iterator[str]:
        """Yield who is shown, one after the other."""
        return (subject for (subject,) in self._rows("subject"))

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        shard = int(np.searchsorted(self.ends, index, side="right"))
        place = index - (self.ends[shard - 1] if shard else 0)
        query = "SELECT key, start, length, subject, problem FROM images WHERE shard = ? AND row = ?"
        return self._image(shard, self._connection().execute(query, (shard, place)).fetchone())

    @property
    def passed_over(self) -> str:
        """What else is in the shards: counts and an example of each kind; empty if there is nothing else."""
        base = self._connection()
        kinds, total = base.execute("SELECT count(*), total(count) FROM passed_over").fetchone()
        query = "SELECT kind, count, example FROM passed_over ORDER BY count DESC, kind LIMIT ?"
        parts = [f"{kind} {count:,}, such as {example}" for kind, count, example in base.execute(query, (KINDS_SHOWN,))]
        parts += [f"{kinds - KINDS_SHOWN} more kinds"] * (kinds > KINDS_SHOWN)
        entries = "entry" if total == 1 else "entries"
        return printable(f"{int(total):,} {entries} not read as images ({'; '.join(parts)})") if total else ""

    def _image(self, shard: int, row: Sequence[Any]) -> ImageRef:
        key, start, length, subject, problem = row
        archive = StoredImage(self.shards[shard], length, self.stamp)
        return ImageRef(key, Path(archive.shard.address), None, problem, subject, archive=archive, position=start)

    def _rows(self, columns: str) -> sqlite3.Cursor:
        return self._connection().execute(f"SELECT {columns} FROM images ORDER BY shard, row")  # noqa: S608 - ours

    def _connection(self) -> sqlite3.Connection:
        """Open the file once in every process: connections do not survive a fork."""
        if (process := os.getpid()) not in self._connections:
            place = f"{self.file.as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(place, uri=True, check_same_thread=False)
            self._connections[process] = connection
            weakref.finalize(self, connection.close)
        return self._connections[process]


def _digest_of_keys(base: sqlite3.Connection) -> str:
    """Return the digest of the names of all images; take it first if no process has done so."""
    query = "SELECT sha256 FROM keys"
    if (row := base.execute(query).fetchone()) is None:
        digest = digest_of(key for (key,) in base.execute("SELECT key FROM images ORDER BY shard, row"))
        base.execute("INSERT OR IGNORE INTO keys VALUES (0, ?)", (digest,))
        row = (digest,)
    return str(row[0])


def _images_of(base: sqlite3.Connection, number: int, shard: Shard, listing: Listing) -> int:
    """Return how many images a shard holds; list them first if no process has done so."""
    query = "SELECT images FROM shards WHERE shard = ?"
    if (row := base.execute(query, (number,)).fetchone()) is None:
        base.execute("BEGIN IMMEDIATE")
        try:
            if base.execute(query, (number,)).fetchone() is None:
                _add(base, number, shard, listing(shard))
            base.execute("COMMIT")
        except BaseException:
            base.execute("ROLLBACK")
            raise
        row = base.execute(query, (number,)).fetchone()
    return int(row[0])


def _add(base: sqlite3.Connection, number: int, shard: Shard, content: Iterable[Entry | Other]) -> None:
    count = 0

    def images() -> Iterator[tuple[int | str, ...]]:
        nonlocal count
        for item in content:
            if isinstance(item, Other):
                base.execute(COUNT_OTHER, item)
            else:
                yield number, count, *item
                count += 1

    base.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?)", images())
    query = "SELECT key FROM images WHERE shard = ? GROUP BY key HAVING count(*) > 1 LIMIT 1"
    if (twice := base.execute(query, (number,)).fetchone()) is not None:
        raise DataError(f"Expected {file_name(shard.address)} to hold every name once, but got {twice[0]!r} twice")
    base.execute("INSERT INTO shards VALUES (?, ?, ?)", (number, shard.identity, count))
