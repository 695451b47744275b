"""Records kept as columns: ten million images of an archive without ten million Python objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from froq_lightning.data.records import Archive, FaceRecord


@dataclass(frozen=True, eq=False)
class RecordTable(Sequence[FaceRecord]):
    """Records that are made when they are asked for.

    Args:
        keys: N names, or `[N]` numbers that serve as names.
        path: of the archive that holds the images, or of the folder that the names are relative to.
        archive: that holds the images, if they have no files of their own.
        positions: `[N]`, of the images in the archive.
        landmarks: `[N, 5, 2]`, x and y of eyes, nose and corners of the mouth, if the images are aligned by them.
    """

    keys: Sequence[str] | npt.NDArray[np.int64]
    path: Path
    archive: Archive | None = None
    positions: npt.NDArray[np.int64] | None = None
    landmarks: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> FaceRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[FaceRecord]: ...

    def __getitem__(self, index: int | slice) -> FaceRecord | list[FaceRecord]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        key = str(self.keys[index])
        return FaceRecord(
            key,
            self.path if self.archive is not None else self.path / key,
            archive=self.archive,
            position=0 if self.positions is None else int(self.positions[index]),
            landmarks=None if self.landmarks is None else tuple((float(x), float(y)) for x, y in self.landmarks[index]),
        )
