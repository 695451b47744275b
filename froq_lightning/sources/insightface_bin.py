"""The .bin files of insightface (lfw, cfp_fp, agedb_30, calfw, cplfw): a pickle of 2N images and N booleans."""

from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np

from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.image_refs import RefTable
from froq_lightning.data.images import decode_image
from froq_lightning.data.inert_pickle import read_pickle
from froq_lightning.data.pair_list import pair_up
from froq_lightning.data.pickled_values import Array, Span
from froq_lightning.errors import DataError, ImageError
from froq_lightning.evaluation.comparisons import Booleans
from froq_lightning.sources.folder import FolderSearch
from froq_lightning.sources.source import Faces, Request, Source

PLAIN = (bool, int, float, np.number, np.bool_)


class InsightfaceBin(Source):
    """The .bin files that insightface evaluates on."""

    name = "insightface .bin"

    def fits(self, path: Path) -> bool:
        """Tell the file by its suffix."""
        return path.suffix.lower() == ".bin" and not path.is_dir()

    def faces(self, request: Request) -> Faces:
        """List all images, repeated ones too; a key is the position of its image."""
        images = BinFile.open(request.path).refs()
        if not len(images):
            raise DataError(f"{request.path.name} holds no images")
        return Faces(images)

    def trials(self, request: Request) -> ComparisonSet:
        """Read the comparison trials: images 2n and 2n + 1 make the n-th one."""
        archive = BinFile.open(request.path)
        mated = np.array(archive.stated, dtype=np.bool_)
        return pair_up(request.name, archive.refs(), mated, archive.content, archive.span)

    def sets(self, folder: Path) -> Sequence[Path]:
        """List the .bin files of a folder that holds them and no images, in the order of their names."""
        try:
            files = sorted(each for each in folder.iterdir() if each.suffix.lower() == ".bin" and each.name[0] != ".")
        except OSError:
            return ()  # reading it as anything else says why
        return () if files and any(FolderSearch(folder).names()) else files


@dataclass(frozen=True)
class BinFile:
    """The archive. It opens the file anew for every image, so it can be sent to any process.

    Args:
        path: of the file.
        images: encoded images, or arrays of pixels, by where they stand in the file.
        stated: what the file says of the trials, images 2n and 2n + 1 making the n-th one.
    """

    path: Path
    images: tuple[Span | Array, ...]
    stated: tuple[bool, ...]

    @classmethod
    def open(cls, path: Path) -> "BinFile":
        """Find the images in the file, running nothing of it.

        Raises:
            DataError: if it is no such pickle.
        """
        value, content = read_pickle(path)
        with content:
            lists = (list, tuple)
            two = type(value) in lists and len(value) == 2
            if not two or type(value[0]) not in lists or type(value[1]) not in (*lists, Array):
                raise DataError(f"Expected {path.name} to be a list of images and a list of booleans, but got another")
            images, stated = tuple(value[0]), _booleans(path, value[1], content)
        for place, image in enumerate(images):
            if type(image) not in (Span, Array):
                raise DataError(f"{path.name}: Expected image {place} to be bytes, but got {type(image).__name__}")
        if len(images) != 2 * len(stated):
            raise DataError(
                f"Expected {path.name} to hold two images per trial, but got {len(images)} and {len(stated)}"
            )
        return cls(path, images, tuple(stated.tolist()))

    def span(self, position: int) -> Span:
        """Tell where an image stands in the file."""
        image = self.images[position]
        return image.content if isinstance(image, Array) else image

    def content(self, position: int) -> bytes:
        """Read an image as it is stored."""
        span = self.span(position)
        with self.path.open("rb") as file:
            file.seek(span.start)
            return span.decoded(file.read(span.stop - span.start))

    def read(self, position: int) -> tuple[Pixels, str]:
        """Read the image at a position; see `Archive`."""
        image = self.images[position]
        try:
            content = self.content(position)
            if isinstance(image, Span):
                return decode_image(content)
            pixels = image.value(content)
        except (OSError, UnicodeError, DataError) as error:
            raise ImageError(f"entry is unreadable: {error}") from error
        if pixels.dtype == np.uint8 and pixels.ndim == 1:
            return decode_image(pixels.tobytes())
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise ImageError(f"expected pixels [h, w, 3] of uint8, got {list(pixels.shape)} of {pixels.dtype}")
        return np.ascontiguousarray(pixels), ""

    def refs(self) -> RefTable:
        """List all images, repeated ones too; a key is the position of its image."""
        return RefTable.of_archive(self.path, self, len(self.images))


def _booleans(path: Path, stated: Any, content: mmap) -> Booleans:
    def numbers(array: Array) -> list[Any]:
        values = array.value(array.content.of(content))
        return values.tolist() if values.ndim == 1 else [values[()]]

    items = numbers(stated) if type(stated) is Array else stated
    # Lists are not looked into: one that holds another twice, and so on, would have billions of items.
    plain = [item for each in items for item in (numbers(each) if type(each) is Array else [each])]
    if len(plain) != len(items) or not all(isinstance(item, PLAIN) and item in (0, 1) for item in plain):
        raise DataError(f"Expected {path.name} to say of every trial by a boolean whether it is mated, but got others")
    return np.array(plain, dtype=np.bool_)
