"""Finds the faces of a photograph with dlib's detector: first as it is, then enlarged, then with a margin."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import dlib
import numpy as np
from PIL import Image

from froq_lightning.backbones.spec import Pixels

# A face that fills its picture is still large at this size, so a margin need not be searched at full size.
CLOSE_UP_SIDE = 400
CLOSE_UP_UPSAMPLE = 1


@dataclass(frozen=True)
class View:
    """A copy of the photograph as the detector sees it.

    Args:
        pixels: `[h, w, 3]` RGB.
        scale: pixels of the view per pixel of the photograph.
        margin: pixels added on each side after scaling.
        upsample: how often the detector is to double the view.
    """

    pixels: Pixels
    scale: float = 1.0
    margin: int = 0
    upsample: int = 0

    def to_photograph(self, box: dlib.rectangle) -> dlib.rectangle:
        """Map a box of the view to the photograph."""
        edges = (box.left(), box.top(), box.right(), box.bottom())
        return dlib.rectangle(*(round((edge - self.margin) / self.scale) for edge in edges))


@dataclass(frozen=True)
class FaceDetector:
    """dlib's frontal face detector, which finds faces from 80 pixels on, or 40 when doubled.

    Args:
        upsample: how often a photograph is doubled at most, as long as no face is found.
        longest_side: photographs that are larger are searched in a copy of this size.
    """

    upsample: int = 1
    longest_side: int = 1600

    def __call__(self, image: Pixels) -> list[dlib.rectangle]:
        """Return the boxes of all faces in a `[h, w, 3]` RGB image, from the first view that shows any."""
        for view in self._views(image):
            boxes = self._detector(view.pixels, view.upsample)
            if boxes:
                return [view.to_photograph(box) for box in boxes]
        return []

    def _views(self, image: Pixels) -> Iterator[View]:
        pixels, scale = shrunk(image, self.longest_side)
        for upsample in range(self.upsample + 1):
            yield View(pixels, scale, upsample=upsample)
        # The detector wants some surroundings of the face, which a tight crop lacks.
        pixels, scale = shrunk(image, min(CLOSE_UP_SIDE, self.longest_side))
        margin = max(pixels.shape) // 2
        padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        yield View(padded, scale, margin, CLOSE_UP_UPSAMPLE)

    @cached_property
    def _detector(self) -> dlib.fhog_object_detector:
        return dlib.get_frontal_face_detector()

    def __getstate__(self) -> dict[str, object]:
        # dlib's detector stays behind and is made anew in another process.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def shrunk(image: Pixels, longest_side: int) -> tuple[Pixels, float]:
    """Return the image, or a copy whose longest side has this many pixels at most, and the copy's scale."""
    height, width = image.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return image, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BOX)), scale
