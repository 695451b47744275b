"""Degraded copies among the images of a calibration set."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from froq_lightning.data.image_refs import ImageRef, LazyRefs, Names
from froq_lightning.errors import DataError

_COPY = re.compile(r"(.*) \(copy ([1-9][0-9]{0,8})\)", re.DOTALL)


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
        self._require_other_names()

    def __len__(self) -> int:
        return len(self.images) * (self.copies + 1)

    def __iter__(self) -> Iterator[ImageRef]:
        return (_copy(image, number) for image in self.images for number in range(self.copies + 1))

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        place, number = divmod(index, self.copies + 1)
        return _copy(self.images[place], number)

    def _require_other_names(self) -> None:
        """Refuse names of copies; of all the names, those alone are in memory that look like one."""
        found = filter(None, map(_COPY.fullmatch, Names(self.images)))
        originals = {name[1] for name in found if int(name[2]) <= self.copies}
        if originals and any(name in originals for name in Names(self.images)):
            raise DataError("Expected no image to be named as the copy of another, such as 'a.jpg (copy 1)'; rename it")


def _copy(image: ImageRef, number: int) -> ImageRef:
    return replace(image, key=f"{image.key} (copy {number})", copy=number) if number else image
