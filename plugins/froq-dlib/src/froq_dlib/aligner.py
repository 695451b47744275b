"""The entry point of the aligner `dlib`: dlib's face detector and its five landmarks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import dlib
import numpy as np

from froq_dlib.detection import FaceDetector
from froq_dlib.files import LANDMARKS, model_file
from froq_dlib.template import Points, arcface_crop
from froq_lightning.backbones.spec import AlignedFace, FaceLandmarks, Pixels

CHIP_PADDING = 0.25  # with it dlib's network was trained
# How far the base of the nose lies before the line between the eyes, in distances between these.
NOSE_DEPTH = 0.35


@dataclass(frozen=True)
class DlibAligner:
    """Cuts the largest face out of a photograph.

    It can be sent to another process: dlib's models are loaded on first use and stay behind.

    Args:
        alignment: "dlib" (face chip with a padding of 0.25) or "arcface" (the 5-point template of 112 pixels, scaled).
        size: (height, width) of the crop in pixels.
        detector: finds the faces.
    """

    alignment: str
    size: tuple[int, int]
    detector: FaceDetector = field(default_factory=FaceDetector)

    def __call__(self, image: Pixels) -> AlignedFace | None:
        """Align the face with the largest box in an RGB `[h, w, 3]` uint8 image; None where no face is found.

        Raises:
            ValueError: if the image has another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            expected = "Expected `image` to be RGB, [h, w, 3], uint8"
            raise ValueError(f"{expected}, but got {list(image.shape)}, {image.dtype}")
        image = np.ascontiguousarray(image)  # dlib reads no views
        boxes = self.detector(image)
        if not boxes:
            return None
        face = self._landmarks(image, max(boxes, key=dlib.rectangle.area))
        crop, areas = CROPS[self.alignment](image, face, self.size), tuple(float(box.area()) for box in boxes)
        return AlignedFace(crop, len(boxes), _face_landmarks(face), areas)

    @cached_property
    def _landmarks(self) -> dlib.shape_predictor:
        return dlib.shape_predictor(str(model_file(LANDMARKS)))

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _dlib_crop(image: Pixels, face: dlib.full_object_detection, size: tuple[int, int]) -> Pixels:
    chip: Pixels = dlib.get_face_chip(image, face, size=size[0], padding=CHIP_PADDING)
    return chip


def _arcface_crop(image: Pixels, face: dlib.full_object_detection, size: tuple[int, int]) -> Pixels:
    return arcface_crop(image, _points(face), size)


def _points(face: dlib.full_object_detection) -> Points:
    return np.array([(point.x, point.y) for point in face.parts()], dtype=np.float64)


def _face_landmarks(face: dlib.full_object_detection) -> FaceLandmarks:
    """Take the middle between its corners for the centre of an eye; first those of the eye on the right."""
    right, left, nose = np.split(_points(face), [2, 4])
    return FaceLandmarks(np.stack([left.mean(0), right.mean(0)]), nose[0], NOSE_DEPTH)


CROPS: dict[str, Callable[[Pixels, dlib.full_object_detection, tuple[int, int]], Pixels]] = {
    "arcface": _arcface_crop,
    "dlib": _dlib_crop,
}


def dlib_aligner(alignment: str, size: tuple[int, int], *, upsample: int = 1, longest_side: int = 1600) -> DlibAligner:
    """Build the aligner.

    Args:
        alignment: "dlib" or "arcface".
        size: (height, width) of the crops in pixels; square for "dlib".
        upsample: how often a photograph is doubled at most, as long as no face is found. Each finds faces of half the
            size and takes four times as long.
        longest_side: larger photographs are searched in a copy of this size; the face is cut from the original.

    Raises:
        ValueError: if the alignment is unknown or an option is out of its range.
    """
    if alignment not in CROPS:
        raise ValueError(f"Expected `alignment` to be one of {', '.join(CROPS)}, but got {alignment!r}")
    if min(size) < 1 or (alignment == "dlib" and size[0] != size[1]):
        shape = "square, " if alignment == "dlib" else ""
        raise ValueError(f"Expected `size` to be {shape}(height, width) in pixels, but got {size}")
    if not 0 <= upsample <= 4 or longest_side < 1:
        expected = "Expected `upsample` in 0..4 and a positive `longest_side`"
        raise ValueError(f"{expected}, but got {upsample} and {longest_side}")
    return DlibAligner(alignment, (size[0], size[1]), FaceDetector(upsample, longest_side))
