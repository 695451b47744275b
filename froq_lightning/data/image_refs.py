"""References to images: the file of each, its name in outputs, and what is known of it before it is read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Protocol, overload

import numpy as np
import numpy.typing as npt

from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.image_limits import check_length
from froq_lightning.data.images import decode_image
from froq_lightning.errors import DataNotFoundError, ImageError
from froq_lightning.names import digest_of, escape_name, is_below, resolve_name
from froq_lightning.stored_files import Stamp, address_of, is_address, plain, read_range, stamp_of

Landmarks = tuple[tuple[float, float], ...]


class Archive(Protocol):
    """One or several files that hold images. It is sent to the worker processes that read from it.

    If they are not `ImageRef.path`, it has an attribute `stamp`, their `Stamp`: another one where they have changed.
    """

    def read(self, position: int) -> tuple[Pixels, str]:
        """Read one image: `[h, w, 3]` RGB uint8, and a note on what was changed; raises ImageError if that fails."""


@dataclass(frozen=True)
class RemoteImage:
    """An image in a file of its own in an object store or on the web: an `Archive` of one image.

    Args:
        address: of the file.
        stamp: nothing is known of it before it is read.
    """

    address: str
    stamp: Stamp = Stamp(0, "unknown")  # noqa: RUF009 - immutable

    def read(self, position: int = 0) -> tuple[Pixels, str]:  # noqa: ARG002
        """Read the image, whatever the position; see `Archive`."""
        try:
            stamp = stamp_of(self.address)
        except DataNotFoundError:
            raise ImageError("file does not exist") from None
        check_length(stamp.size, b"")
        return decode_image(read_range(self.address, 0, stamp.size, stamp), "file")


@dataclass(frozen=True)
class ImageRef:
    """An image that is to be read.

    Args:
        key: name of the image in every output; unique within a source.
        path: of its file, or of the archive that holds it.
        pseudo_quality: its label, higher is better; None if labels are not given.
        problem: why it cannot be used, if that is known before it is opened.
        subject: name of the person shown; empty if that is not known.
        copy: number of the degraded copy, from 1; 0 for the image itself, which stands that many places before it.
        archive: that holds the image, if it has no file of its own.
        position: of the image in the archive.
        landmarks: (x, y) of eyes, nose and corners of the mouth, if the image is to be aligned by them.
    """

    key: str
    path: Path
    pseudo_quality: float | None = None
    problem: str = ""
    subject: str = ""
    copy: int = 0
    archive: Archive | None = None
    position: int = 0
    landmarks: Landmarks | None = None

    @classmethod
    def in_folder(cls, root: Path, text: str, *, confined: bool) -> "ImageRef":
        """Refer to an image that a list names.

        Args:
            root: folder that the path is relative to.
            text: the path, or its escaped form as outputs show it; or an address in an object store or on the web.
            confined: whether a path that leads out of `root` is a problem.
        """
        if is_address(text):
            problem = f"lies outside of {str(root)!r}" if confined else ""
            return cls(
                escape_name(plain(text)), Path(plain(text)), problem=problem, archive=RemoteImage(address_of(text))
            )
        name = resolve_name(root, text)
        path = root / name
        problem = f"lies outside of {str(root)!r}" if confined and not is_below(root, path) else ""
        return cls(escape_name(name), path, problem=problem)


def archive_stamp(image: ImageRef) -> tuple[int, str] | None:
    """Return size and version of the archive that holds an image; None for an image in its own file."""
    if image.archive is None:
        return None
    stamp: Stamp = getattr(image.archive, "stamp", None) or stamp_of(str(image.path))
    return stamp.size, stamp.version


class LazyRefs(Sequence[ImageRef], ABC):
    """References that are made when they are asked for: millions of images without millions of Python objects."""

    @abstractmethod
    def make(self, index: int) -> ImageRef:
        """Make the reference at a position from 0 on."""

    def keys_in_order(self) -> Iterator[str]:
        """Yield the names of the images, without making the references where that can be avoided."""
        return (image.key for image in self)

    def digest_of_keys(self) -> str:
        """Return the digest of the names of the images; see `names.digest_of`."""
        return digest_of(self.keys_in_order())

    def subjects_in_order(self) -> Iterator[str]:
        """Yield the subjects of the images, likewise."""
        return (image.subject for image in self)

    @overload
    def __getitem__(self, index: int) -> ImageRef: ...

    @overload
    def __getitem__(self, index: slice) -> list[ImageRef]: ...

    def __getitem__(self, index: int | slice) -> ImageRef | list[ImageRef]:
        if isinstance(index, slice):
            return [self.make(place) for place in range(*index.indices(len(self)))]
        return self.make(range(len(self))[index])


def subjects_in_order(images: Sequence[ImageRef]) -> Iterator[str]:
    """Yield the subjects of images, empty where they are not known."""
    return images.subjects_in_order() if isinstance(images, LazyRefs) else (image.subject for image in images)


@dataclass(frozen=True, eq=False)
class Names(Sequence[str]):
    """The names of images in their order, made when they are asked for."""

    images: Sequence[ImageRef]

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [image.key for image in self.images[index]]
        return self.images[index].key

    def __iter__(self) -> Iterator[str]:
        if isinstance(self.images, LazyRefs):
            return self.images.keys_in_order()
        return (image.key for image in self.images)

    def digest(self) -> str:
        """Return the digest of the names; see `names.digest_of`."""
        return self.images.digest_of_keys() if isinstance(self.images, LazyRefs) else digest_of(self)


@dataclass(frozen=True, eq=False)
class RefTable(LazyRefs):
    """References whose fields are columns.

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

    @classmethod
    def of_archive(cls, path: Path, archive: Archive, count: int) -> "RefTable":
        """Refer to all images of an archive; a key is the position of its image."""
        places = np.arange(count)
        return cls([f"{place:06d}" for place in places], path, archive, places)

    def __len__(self) -> int:
        return len(self.keys)

    def keys_in_order(self) -> Iterator[str]:
        """Yield the names of the images."""
        if self.archive is not None:
            return map(str, self.keys)
        return super().keys_in_order()

    def subjects_in_order(self) -> Iterator[str]:
        """Yield who is shown."""
        return repeat("", len(self)) if self.subjects is None else map(str, self.subjects)

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        key = str(self.keys[index])
        if self.archive is None:
            image = ImageRef.in_folder(self.path, key, confined=self.confined)
        else:
            image = ImageRef(key, self.path, archive=self.archive)
        return replace(
            image,
            subject="" if self.subjects is None else str(self.subjects[index]),
            position=0 if self.positions is None else int(self.positions[index]),
            landmarks=None if self.landmarks is None else tuple((float(x), float(y)) for x, y in self.landmarks[index]),
        )


@dataclass(frozen=True, eq=False)
class Selected(LazyRefs):
    """Some of the images of a list.

    Args:
        images: of the list.
        places: `[N]`, their positions in it.
    """

    images: Sequence[ImageRef]
    places: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.places)

    def make(self, index: int) -> ImageRef:
        """Return the reference at a position."""
        return self.images[int(self.places[index])]
