"""AdaFace memfiles: normalised crops as raw floats in `mem_file.dat`, their shape in `mem_file.dat.conf`."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from froq_lightning.backbones.spec import Pixels
from froq_lightning.bounded_io import read_array, read_json
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.image_refs import RefTable
from froq_lightning.data.pair_list import pair_up
from froq_lightning.errors import DataError, DataNotFoundError, ImageError
from froq_lightning.evaluation.comparisons import Booleans
from froq_lightning.sources.source import Faces, Request, Source

NAME = "mem_file.dat"
TYPES = ("float16", "float32", "float64")


class AdaFaceMemfile(Source):
    """The folder NAME of AdaFace's validation sets, with `memfile/mem_file.dat`; `NAME_list.npy` stands beside it."""

    name = "AdaFace memfile"

    def fits(self, path: Path) -> bool:
        """Tell whether the path is the data, its folder, or the folder above."""
        return _find_data(path) is not None

    def faces(self, request: Request) -> Faces:
        """List the images; a key is the position of its image."""
        return Faces(Memfile.open(_find_data(request.path) or request.path).refs())

    def trials(self, request: Request) -> ComparisonSet:
        """Read the comparison trials: images 2n and 2n + 1 make the n-th one."""
        path = _find_data(request.path) or request.path
        archive, folder = Memfile.open(path), path.absolute().parent.parent
        return pair_up(request.name, archive.refs(), _mated(folder), archive.content)

    def usual_name(self, path: Path, part: str) -> str:
        """Take the name of the folder above the one of the data."""
        del part
        return (_find_data(path) or path).parent.parent.name


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
        conf = path.with_name(f"{path.name}.conf")
        if not conf.is_file():
            raise DataNotFoundError(f"{path.name} cannot be read without {conf.name}, which does not exist beside it")
        try:
            stated = read_json(conf)
            shape, dtype = tuple(stated["shape"]), str(stated["dtype"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{conf.name} is no JSON with `shape` and `dtype`: {error}") from error
        if (
            not all(type(length) is int and length > 0 for length in shape)
            or len(shape) != 4
            or shape[1] != 3
            or dtype not in TYPES
        ):
            expected = f"Expected {conf.name} to state [N, 3, H, W] and {' or '.join(TYPES)}"
            raise DataError(f"{expected}, but got {stated['shape']} and {dtype}")
        archive = cls(path, (shape[0], shape[1], shape[2], shape[3]), dtype)
        if path.stat().st_size != archive.image_bytes * shape[0]:
            expected = f"Expected {path.name} to have {archive.image_bytes * shape[0]:,} bytes"
            raise DataError(f"{expected}, as {conf.name} states, but got {path.stat().st_size:,}")
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

    def refs(self) -> RefTable:
        """List the images; a key is the position of its image."""
        return RefTable.of_archive(self.path, self, self.shape[0])


def _find_data(path: Path) -> Path | None:
    """Find the data in the file itself, in its folder, or in the folder above, which bears the set's name."""
    candidates = (path, path / NAME, path / "memfile" / NAME)
    return next((each for each in candidates if each.name == NAME and each.is_file()), None)


def _mated(folder: Path) -> Booleans:
    """Read which trials are mated from the list beside the folder of a set."""
    file = folder.with_name(f"{folder.name}_list.npy")
    try:
        mated = read_array(file)
    except DataNotFoundError as error:
        raise DataNotFoundError(
            f"{file.name}, which lists the mated trials, does not exist beside {folder.name}"
        ) from error
    except DataError as error:
        raise DataError(f"{file.name} is no array of numpy's: {error}") from error
    if mated.ndim != 1 or mated.dtype.kind not in "biu" or not np.isin(mated, (0, 1)).all():
        raise DataError(f"Expected {file.name} to hold booleans, but got {list(mated.shape)} of {mated.dtype}")
    return mated.astype(np.bool_)
