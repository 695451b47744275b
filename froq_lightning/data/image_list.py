"""Lists of images that have files of their own, kept on disk."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from froq_lightning.data.image_refs import ImageRef, LazyRefs, RemoteImage
from froq_lightning.data.stored_texts import StoredTexts


@dataclass(frozen=True, eq=False)
class ImageList(LazyRefs):
    """Images in files of their own, without landmarks: memory does not grow with their number.

    Args:
        records: of the images, JSON each: key; path, empty where it is folder and key; subject, pseudo-quality,
            problem, and the address of an image that is in an object store.
        prefix: the folder that most of them lie in, as their paths begin.
    """

    records: StoredTexts
    prefix: str

    @classmethod
    def of(cls, images: Iterable[ImageRef], folder: Path, scratch: Path) -> "ImageList":
        """List images.

        Args:
            images: to list.
            folder: that most of them lie in.
            scratch: folder for the list.

        Raises:
            DataError: if the disk is full or fails.
        """
        prefix = str(folder / "_")[:-1]
        return cls(StoredTexts.of((_record(image, prefix) for image in images), scratch), prefix)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[ImageRef]:
        return map(self._image, self.records)

    def keys_in_order(self) -> Iterator[str]:
        """Yield the names of the images."""
        return (json.loads(record)[0] for record in self.records)

    def subjects_in_order(self) -> Iterator[str]:
        """Yield the subjects of the images."""
        return (json.loads(record)[2] for record in self.records)

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        return self._image(self.records[index])

    def _image(self, record: str) -> ImageRef:
        key, path, subject, label, problem, address = json.loads(record)
        archive = RemoteImage(address) if address else None
        return ImageRef(key, Path(path or self.prefix + key), label, problem, subject, archive=archive)


def _record(image: ImageRef, prefix: str) -> str:
    path = str(image.path)
    values = [image.key, "" if path == prefix + image.key else path, image.subject, image.pseudo_quality]
    address = image.archive.address if isinstance(image.archive, RemoteImage) else ""
    return json.dumps([*values, image.problem, address], ensure_ascii=False)
