"""References to images and their degraded copies, which a calibration makes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from froq_lightning.data.image_refs import ImageRef, LazyRefs
from froq_lightning.errors import DataError


@dataclass(frozen=True, eq=False)
class WithCopies(LazyRefs):
    """Images with degraded copies behind each; a copy is named as `a.jpg (copy 1)`.

    Args:
        images: of which copies are made; without labels, which are not those of copies.
        copies: number of copies of each.

    Raises:
        DataError: if an image has a label, or the name of a copy.
    """

    images: Sequence[ImageRef]
    copies: int

    def __post_init__(self) -> None:
        if self.images[0].pseudo_quality is not None:
            raise DataError(
                "Expected images without labels for copies of them (data.degrade.copies), since a manifest's labels "
                "are those of the images alone; give labels of both as data.labels"
            )
        if isinstance(self.images, list):  # images of an archive have numbers for names
            self._require_other_names(image.key for image in self.images)

    def __len__(self) -> int:
        return len(self.images) * (self.copies + 1)

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        place, number = divmod(index, self.copies + 1)
        image = self.images[place]
        return replace(image, key=_copy_key(image.key, number), copy=number) if number else image

    def _require_other_names(self, names: Iterable[str]) -> None:
        keys = set(names)
        if any(_copy_key(key, number) in keys for key in keys for number in range(1, self.copies + 1)):
            raise DataError("Expected no image to be named as the copy of another, such as 'a.jpg (copy 1)'; rename it")


def _copy_key(key: str, number: int) -> str:
    return f"{key} (copy {number})"
