"""Tar files as WebDataset has them: `key.jpg`, and beside it perhaps `key.cls` or `key.json` with the subject.

Nothing is unpacked: the headers are read once, for an index of where the images stand.
"""

import json
import re
import tarfile
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from froq_lightning.data.image_index import Entry, ImageIndex, Other
from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.shards import Shard
from froq_lightning.errors import DataError, FroqError
from froq_lightning.names import escape_name
from froq_lightning.sources.shards import SUBJECTS, list_shards, name_shards, shard_folder
from froq_lightning.sources.source import Faces, Request, Source
from froq_lightning.stored_files import address_of, file_name, opened, plain

SUFFIX = ".tar"
COMPRESSED = re.compile(r"\.(tar\.\w+|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
# gzip, bzip2, xz, zstd
COMPRESSIONS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
# A path has up to 4,096 bytes; the time that tarfile takes for a header grows with the square of its size.
LONGEST_HEADER = 2**14
LONGEST_LABEL = 2**16
MOST_IN_A_SAMPLE = 64
ZEROS = bytes(tarfile.BLOCKSIZE)
READ_AT_ONCE = 2**20
_SURROGATE = re.compile("[\ud800-\udfff]")


class TarShards(Source):
    """Tar files in WebDataset's layout: one, a pattern such as `faces-{000..999}.tar`, some joined by `::`, a folder.

    The subject of an image is what `key.cls` says, or `key.json` under one of the names `SUBJECTS`; else the folder
    that holds the image in the tar file.
    """

    name = "tar files of images (WebDataset)"
    reads_addresses = True

    def fits(self, path: Path) -> bool:
        """Tell tar files by their suffix, and a folder by holding some, and no images."""
        text = plain(address_of(path))
        if text.lower().endswith(SUFFIX) or COMPRESSED.search(text):
            return not path.is_dir()
        return shard_folder(path, SUFFIX)

    def faces(self, request: Request) -> Faces:
        """Make an index of the files, or open the one that was made earlier."""
        if found := COMPRESSED.search(text := plain(address_of(request.path))):
            raise DataError(_compressed(file_name(text), found[0]))
        shards = name_shards(list_shards(request.path, SUFFIX))
        images = ImageIndex.of(shards, list_entries, request.scratch)
        if not len(images):
            others = f", but {images.passed_over}" if images.passed_over else ""
            raise DataError(f"{request.path.name} holds no images{others}; images end in {' '.join(sorted(SUFFIXES))}")
        return Faces(images, images.passed_over)


def list_entries(shard: Shard) -> Iterator[Entry | Other]:
    """List the images in a tar file, and what else is in it.

    Raises:
        DataError: if it is compressed, damaged, cut off, or no tar file.
    """
    sample, key, subject = list[Entry](), "", ""
    for member, label in _members(shard):
        name = member.name.removeprefix("./")
        folder, _, file = name.rpartition("/")  # pathlib takes as long as all the rest
        if file.startswith(".") or member.isdir():
            continue  # hidden files, which nobody misses
        if (following := f"{folder}/{file.split('.', 1)[0]}") != key or len(sample) == MOST_IN_A_SAMPLE:
            yield from _labelled(sample, subject)
            sample, key, subject = [], following, ""
        suffix = "".join(file.rpartition(".")[1:]).lower() if "." in file else ""
        subject = _subject(suffix, label) or subject
        if suffix in SUFFIXES:
            problem = _problem(member, name)
            subject_folder = _storable(folder.rpartition("/")[2])
            start, length = member.offset_data, 0 if problem else member.size
            sample.append(Entry(escape_name(f"{shard.name}/{name}"), start, length, subject_folder, problem))
        elif suffix not in (".cls", ".json"):
            yield Other(escape_name(suffix) or "no suffix", escape_name(f"{shard.name}/{name}"))
    yield from _labelled(sample, subject)


def _labelled(sample: list[Entry], subject: str) -> Iterator[Entry]:
    """Give the images of a sample the subject that it states."""
    return (entry._replace(subject=subject) if subject else entry for entry in sample)


def _problem(member: tarfile.TarInfo, name: str) -> str:
    if name.startswith("/") or ".." in name.split("/"):
        return "its name leads out of the tar file"
    if member.issym() or member.islnk():
        return "entry is a link"
    if member.issparse():
        return "entry is sparse"
    return "" if member.isreg() else "entry is no file"


def _subject(suffix: str, label: bytes) -> str:
    """Read the subject from the content of `key.cls` or `key.json`; empty if it is none."""
    if suffix == ".cls":
        return label.decode("utf-8", "replace").strip()
    try:
        stated = json.loads(label) if suffix == ".json" else None
    except (ValueError, RecursionError):
        return ""
    if not isinstance(stated, dict):
        return ""
    values = (stated[name] for name in SUBJECTS if isinstance(stated.get(name), (str, int)))
    return _storable(str(next(values, "")))


def _storable(subject: str) -> str:
    """Return a subject in which bytes that are no UTF-8 are written as `escape_name` does: SQLite takes no others."""
    return escape_name(subject) if _SURROGATE.search(subject) else subject


def _members(shard: Shard) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the entries of a tar file, and the content of those that may state a subject."""
    name = file_name(shard.address)
    with opened(shard.address) as file:
        start = file.read(len(ZEROS))
        if start.startswith(COMPRESSIONS) or not start:
            raise DataError(_compressed(name, "compressed") if start else f"{name} is empty")
        end = 0
        try:
            for member, end in _walk(file):  # noqa: B007 - the last end is needed
                _require_within(name, member, shard.stamp.size)
                yield member, _label(file, member)
        except FroqError:
            raise
        except Exception as error:  # on damaged headers tarfile raises whatever its code stumbles over
            raise DataError(f"{name} is no tar file, or damaged behind byte {end:,}: {error}") from error
        # tarfile takes a damaged header for the end, which is a block of zeros, or the end of the file.
        file.seek(end)
        if (block := file.read(len(ZEROS))) and block != ZEROS:
            raise DataError(f"{name} is damaged or cut off at byte {end:,}; fetch it again")
        if any(block.strip(b"\0") for block in iter(lambda: file.read(READ_AT_ONCE), b"")):
            raise DataError(
                f"{name} goes on behind its end at byte {end:,}: it may be several tar files in one, of which the "
                "entries behind the first are not read; unpack it with `tar --ignore-zeros`, and pack it anew"
            )


def _walk(file: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Yield the entries, each with where the next header begins."""
    file.seek(0)
    reader, end = cast("BinaryIO", _HeaderReader(file)), 0
    with tarfile.open(fileobj=reader, mode="r:", errors="surrogateescape") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # tarfile keeps all of them
            if member.size < 0 or tar.offset <= end:
                raise ValueError("a header states a negative size")
            end = tar.offset
            yield member, end


def _require_within(name: str, member: tarfile.TarInfo, size: int) -> None:
    end = member.offset_data + member.size
    if member.isreg() and not member.issparse() and end > size:
        entry = escape_name(member.name)
        raise DataError(
            f"{name} is cut off: {entry!r} should end at byte {end:,}, but the file has {size:,}; fetch it again"
        )


def _label(file: BinaryIO, member: tarfile.TarInfo) -> bytes:
    if not member.name.lower().endswith((".cls", ".json")) or not member.isreg() or member.size > LONGEST_LABEL:
        return b""
    file.seek(member.offset_data)
    return file.read(member.size)


def _compressed(name: str, how: str) -> str:
    return (
        f"Expected {name} to be a plain tar file, but got a compressed one ({how.lstrip('.')}), in which images "
        "have no places of their own; unpack it to .tar, which takes hardly more room: images are compressed themselves"
    )


class _HeaderReader(BufferedIOBase):
    """A file of which no header is read that is longer than any should be: tarfile reads what headers state."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell  # type: ignore[method-assign]

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= LONGEST_HEADER:
            raise ValueError(f"a header of {size} bytes is longer than any should be")
        return self._file.read(size)
