"""RecordIO of MXNet: `train.rec`, and `train.idx` beside it (Glint360K, MS1MV3, WebFace, as insightface packs them).

A record is a magic number, a word with its length and, in the upper three bits, which part of a split record it is,
and its bytes, padded to a multiple of four. They begin with a header: flag, label, id, second id (`IfQQ`); a flag
above zero is the number of labels (float32) that follow. The rest is the encoded image.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from froq_lightning.backbones.spec import Pixels
from froq_lightning.bounded_io import require_file
from froq_lightning.data.comparison_set import ComparisonSet, numbered
from froq_lightning.data.image_refs import RefTable
from froq_lightning.data.images import decode_image
from froq_lightning.data.trial_sampling import sample_comparisons
from froq_lightning.errors import DataError, ImageError
from froq_lightning.sources.source import Faces, Request, Source

MAGIC = struct.pack("<I", 0xCED7230A)
FRAME = struct.Struct("<4sI")
HEADER = struct.Struct("<IfQQ")
LENGTH_BITS = 29
HIGHEST_KEY = 2**63 - 1
WHOLE, FIRST, _MIDDLE, LAST = range(4)
# insightface adds records that hold ranges of other records instead of an image: a header and two labels.
LARGEST_WITHOUT_IMAGE = FRAME.size + HEADER.size + 2 * 4

Numbers = npt.NDArray[np.int64]


class RecordIO(Source):
    """A .rec file, with or without its .idx; the first label of a record is the subject."""

    name = "RecordIO .rec"

    def fits(self, path: Path) -> bool:
        """Tell the file by its suffix."""
        return path.suffix.lower() == ".rec" and not path.is_dir()

    def faces(self, request: Request) -> Faces:
        """List the records that hold an image; their subjects, if they are wanted, take a pass over the file."""
        archive = RecordFile(request.path)
        keys, offsets = archive.entries()
        # Equal labels have equal bits, since they are float32.
        subjects = archive.labels(offsets).view(np.int32) if request.with_subjects else None
        return Faces(RefTable(keys, request.path, archive, offsets, subjects=subjects))

    def trials(self, request: Request) -> ComparisonSet:
        """Sample trials between the images, whose labels are their subjects."""
        archive = RecordFile(request.path)
        keys, offsets = archive.entries()
        images, subjects = RefTable(keys, request.path, archive, offsets), archive.labels(offsets).view(np.int32)
        return sample_comparisons(request.name, images, numbered(subjects), request.sampling)


@dataclass(frozen=True)
class RecordFile:
    """The archive. It opens the file anew for every image, so it can be sent to any process.

    Args:
        path: of the .rec file.
    """

    path: Path

    def read(self, position: int) -> tuple[Pixels, str]:
        """Read the image of the record that begins at a byte; see `Archive`."""
        try:
            with self.path.open("rb") as file:
                file.seek(position)
                record = read_record(file)
        except OSError as error:
            raise ImageError(f"{self.path.name} is unreadable: {error.strerror}") from error
        except DataError as error:
            raise ImageError(str(error)) from error
        if record is None:
            raise ImageError(f"{self.path.name} ends before byte {position:,}")
        return decode_image(record[1])

    def entries(self) -> tuple[Numbers, Numbers]:
        """List the records that hold an image by key and offset, sorted by key; without .idx, as the file has them.

        Raises:
            DataError: if a file is malformed, or holds no images.
        """
        require_file(self.path, self.path.name)
        index = self.path.with_suffix(".idx")
        keys, offsets = _indexed(index, self.path.stat().st_size) if index.is_file() else _scanned(self.path)
        if not len(keys):
            raise DataError(f"{self.path.name} holds no images")
        return keys, offsets

    def labels(self, offsets: Numbers) -> npt.NDArray[np.float32]:
        """Read the first label of the records that begin at some bytes: `[N]`, who is shown.

        insightface's records of ranges hold the same as float32, which cannot count beyond 16.7 million.
        """
        content = np.memmap(self.path, dtype=np.uint8, mode="r")
        header = FRAME.size + np.arange(8)
        labels = np.empty(len(offsets), dtype=np.float32)
        for start in range(0, len(offsets), 65_536):
            part = offsets[start : start + 65_536]
            if (content[part[:, None] + np.arange(len(MAGIC))] != np.frombuffer(MAGIC, dtype=np.uint8)).any():
                raise DataError(f"{self.path.name} has no records where its .idx says; the two do not belong together")
            head = content[part[:, None] + header]
            flags, own = head[:, :4].view("<u4")[:, 0], head[:, 4:].view("<f4")[:, 0]
            after = np.where(flags > 0, part + FRAME.size + HEADER.size, part)[:, None] + np.arange(4)
            labels[start : start + 65_536] = np.where(flags > 0, content[after].view("<f4")[:, 0], own)
        return labels


def read_record(file: BinaryIO) -> tuple[int, bytes] | None:
    """Read the id and the encoded image, empty if there is none, of the record at a file's position; None at its end.

    Raises:
        DataError: if there is none, or only a part of one.
    """
    parts: list[bytes] = []
    place, kind = file.tell(), FIRST
    while kind in (FIRST, _MIDDLE):
        frame = file.read(FRAME.size)
        if not frame and not parts:
            return None
        if len(frame) < FRAME.size or frame[:4] != MAGIC:
            raise DataError(f"Expected a record at byte {place:,}, but got none; the file is no RecordIO, or damaged")
        word = FRAME.unpack(frame)[1]
        kind, length = word >> LENGTH_BITS, word & ((1 << LENGTH_BITS) - 1)
        if kind > LAST or (kind in (_MIDDLE, LAST)) != bool(parts):
            raise DataError(f"Expected a whole record at byte {place:,}, but got a part of one")
        parts.append(file.read(length))
        if len(parts[-1]) < length:
            raise DataError(f"the record at byte {place:,} is cut off")
        file.seek(-length % 4, 1)
    # Where its bytes held the magic number, a record was split there, and the number left out.
    return _parsed(MAGIC.join(parts), place)


def _parsed(content: bytes, place: int) -> tuple[int, bytes]:
    if len(content) < HEADER.size:
        raise DataError(f"the record at byte {place:,} has no header")
    flag, _, number, _ = HEADER.unpack_from(content)
    image = HEADER.size + 4 * flag
    if len(content) < image:
        raise DataError(f"the record at byte {place:,} is shorter than its {flag} labels")
    return number, content[image:]


def _indexed(index: Path, size: int) -> tuple[Numbers, Numbers]:
    """Read the keys and offsets of the records with an image: those too large to be without one."""
    text = index.read_bytes().strip()
    malformed = re.search(rb"[^0-9\s]", text)
    values = np.fromstring(b"" if malformed else text, dtype=np.int64, sep=" ")
    if malformed or len(values) != 2 * (text.count(b"\n") + 1):
        raise DataError(f"Expected every line of {index.name} to be a key and an offset, but got another one")
    keys, offsets = values.reshape(-1, 2)[np.argsort(values[::2], kind="stable")].T
    if (offsets >= size).any() or not len(offsets):
        raise DataError(f"{index.name} is of another file: it names byte {offsets.max(initial=0):,} of {size:,}")
    in_order = np.sort(offsets)
    sizes = np.append(in_order[1:], size)[np.searchsorted(in_order, offsets)] - offsets
    holding = sizes > LARGEST_WITHOUT_IMAGE
    return keys[holding], offsets[holding]


def _scanned(path: Path) -> tuple[Numbers, Numbers]:
    """Walk through the file; ids serve as keys where they are different, and no larger than those of an index."""
    keys, offsets = [], []
    with path.open("rb") as file:
        offset = file.tell()
        while (record := read_record(file)) is not None:
            if record[1]:
                keys.append(record[0])
                offsets.append(offset)
            offset = file.tell()
    if len(set(keys)) < len(keys) or max(keys, default=0) > HIGHEST_KEY:
        keys = list(range(len(keys)))
    return np.array(keys, dtype=np.int64), np.array(offsets, dtype=np.int64)
