"""AdaFace memfiles: normalised crops as raw floats in `mem_file.dat`, their shape in `mem_file.dat.conf`."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from froq_lightning.backbones.spec import Pixels
from froq_lightning.bounded_io import read_json
from froq_lightning.data.record_table import RecordTable
from froq_lightning.errors import DataError, DataNotFoundError, ImageError

NAME = "mem_file.dat"
TYPES = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Memfile:
    """The archive. It opens the file anew for every image, so it can be sent to any process.

    The values are (x / 255 - 0.5) / 0.5, and the channels stand as blue, green, red.

    Args:
        path: of the data.
        shape: (images, 3, height, width).
        dtype: of the values.
    """

    path: Path
    shape: tuple[int, int, int, int]
    dtype: str

    @classmethod
    def open(cls, path: Path) -> "Memfile":
        """Read the shape, and check it against the size of the file.

        Raises:
            DataNotFoundError: if the .conf file is missing.
            DataError: if it is malformed, or does not fit the file.
        """
        told = path.with_name(f"{path.name}.conf")
        if not told.is_file():
            raise DataNotFoundError(f"{path.name} tells nothing without {told.name}, which does not exist beside it")
        try:
            stated = read_json(told)
            shape, dtype = tuple(stated["shape"]), str(stated["dtype"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{told.name} is no JSON with `shape` and `dtype`: {error}") from error
        whole = all(type(length) is int and length > 0 for length in shape)
        if not whole or len(shape) != 4 or shape[1] != 3 or dtype not in TYPES:
            expected = f"Expected {told.name} to state [N, 3, H, W] and {' or '.join(TYPES)}"
            raise DataError(f"{expected}, but got {stated['shape']} and {dtype}")
        archive = cls(path, (shape[0], shape[1], shape[2], shape[3]), dtype)
        if path.stat().st_size != archive.image_bytes * shape[0]:
            expected = f"Expected {path.name} to have {archive.image_bytes * shape[0]:,} bytes"
            raise DataError(f"{expected}, as {told.name} states, but got {path.stat().st_size:,}")
        return archive

    @property
    def image_bytes(self) -> int:
        """Size of an image in the file."""
        return np.dtype(self.dtype).itemsize * math.prod(self.shape[1:])

    def content(self, position: int) -> bytes:
        """Read an image as it is stored."""
        with self.path.open("rb") as file:
            file.seek(position * self.image_bytes)
            return file.read(self.image_bytes)

    def read(self, position: int) -> tuple[Pixels, str]:
        """Read the image at a position; see `Archive`."""
        try:
            content = self.content(position)
        except OSError as error:
            raise ImageError(f"memfile is unreadable: {error.strerror}") from error
        values = np.frombuffer(content, self.dtype).reshape(self.shape[1:]).astype(np.float32)
        if not (np.abs(values) < 1.01).all():  # NaN is not either
            raise ImageError("memfile holds values that are not in -1..1")
        return (values[::-1].transpose(1, 2, 0) * 127.5 + 127.5).round().clip(0, 255).astype(np.uint8), ""

    def records(self) -> RecordTable:
        """List the images; a key is the position of its image."""
        places = np.arange(self.shape[0])
        return RecordTable([f"{place:06d}" for place in places], self.path, self, places)


def find_memfile(path: Path) -> Path | None:
    """Find the data in the file itself, in its folder, or in the folder above, which bears the set's name."""
    candidates = (path, path / NAME, path / "memfile" / NAME)
    return next((each for each in candidates if each.name == NAME and each.is_file()), None)
