"""Records that are made when they are asked for: millions of images without millions of Python objects."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from froq_lightning.data.records import Archive, FaceRecord, stated_record


class MadeRecords(Sequence[FaceRecord], ABC):
    """A sequence whose records are made from their positions."""

    @abstractmethod
    def made(self, index: int) -> FaceRecord:
        """Make the record at a position from 0 on."""

    @overload
    def __getitem__(self, index: int) -> FaceRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[FaceRecord]: ...

    def __getitem__(self, index: int | slice) -> FaceRecord | list[FaceRecord]:
        if isinstance(index, slice):
            return [self.made(place) for place in range(*index.indices(len(self)))]
        return self.made(range(len(self))[index])


@dataclass(frozen=True, eq=False)
class RecordTable(MadeRecords):
    """Records that are made when they are asked for.

    Args:
        keys: N names, or `[N]` numbers that serve as names.
        path: of the archive that holds the images, or of the folder that the names are relative to.
        archive: that holds the images, if they have no files of their own.
        positions: `[N]`, of the images in the archive.
        landmarks: `[N, 5, 2]`, x and y of eyes, nose and corners of the mouth, if the images are aligned by them.
        confined: whether names that lead out of the folder are a problem.
        subjects: `[N]`, equal for images of one subject, if that is known.
    """

    keys: Sequence[str] | npt.NDArray[np.int64]
    path: Path
    archive: Archive | None = None
    positions: npt.NDArray[np.int64] | None = None
    landmarks: npt.NDArray[np.float32] | None = None
    confined: bool = False
    subjects: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def made(self, index: int) -> FaceRecord:
        """Make the record at a position."""
        key = str(self.keys[index])
        if self.archive is None:
            record = stated_record(self.path, key, confined=self.confined)
        else:
            record = FaceRecord(key, self.path, archive=self.archive)
        return replace(
            record,
            subject="" if self.subjects is None else str(self.subjects[index]),
            position=0 if self.positions is None else int(self.positions[index]),
            landmarks=None if self.landmarks is None else tuple((float(x), float(y)) for x, y in self.landmarks[index]),
        )


@dataclass(frozen=True, eq=False)
class CopiedRecords(MadeRecords):
    """Records with so many degraded copies behind each.

    Args:
        records: of the images.
        copies: of each.
    """

    records: Sequence[FaceRecord]
    copies: int

    def __len__(self) -> int:
        return len(self.records) * (self.copies + 1)

    def made(self, index: int) -> FaceRecord:
        """Make the record at a position."""
        place, number = divmod(index, self.copies + 1)
        record = self.records[place]
        return replace(record, key=self.key(record.key, number), copy=number) if number else record

    @staticmethod
    def key(key: str, number: int) -> str:
        """Name a copy."""
        return f"{key} (copy {number})"
