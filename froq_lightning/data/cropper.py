"""Pixels of an image to the crop that a network takes: aligned, checked for its size, or resized."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from froq_lightning.backbones.spec import Aligner, Pixels, Preprocessing
from froq_lightning.data.image_refs import Landmarks
from froq_lightning.data.landmark_alignment import align_by_landmarks
from froq_lightning.defects.landmarks import FaceInPhotograph, FaceLandmarks
from froq_lightning.errors import ImageError


class Crop(NamedTuple):
    """An aligned crop.

    Args:
        pixels: `[*size, 3]` RGB uint8.
        remark: on what was done, mostly empty.
        face: what is known of the face in its photograph; None where the image was a crop already.
    """

    pixels: Pixels
    remark: str = ""
    face: FaceInPhotograph | None = None


@dataclass(frozen=True)
class Cropper:
    """Makes crops of `[h, w, 3]` RGB uint8 pixels.

    Args:
        preprocessing: of the backbone; it says how large a crop is.
        aligner: cuts the largest face out of photographs; without one, images are aligned crops already, or come with
            landmarks.
        resize: whether crops of another size are resized; if not, they are refused.
    """

    preprocessing: Preprocessing
    aligner: Aligner | None = None
    resize: bool = False

    def __call__(self, pixels: Pixels, landmarks: Landmarks | None = None) -> Crop:
        """Return the crop, with a remark on what was done.

        Raises:
            ImageError: if there is no face, the landmarks are none of a face, or the size is another.
        """
        if self.aligner is not None:
            return _align(self.aligner, pixels)
        if landmarks is not None:
            points = np.array(landmarks, dtype=np.float64)
            crop = align_by_landmarks(pixels, points, self.preprocessing.size, self.preprocessing.alignment)
            face = FaceInPhotograph(pixels.shape[:2], FaceLandmarks(points[:2], points[2]))
            return Crop(crop, face=face)
        return self._fit(pixels)

    def _fit(self, pixels: Pixels) -> Crop:
        height, width = self.preprocessing.size
        if pixels.shape[:2] == (height, width):
            return Crop(pixels)
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        if not self.resize:
            raise ImageError(
                f"expected a {width} x {height} crop with {self.preprocessing.alignment!r} alignment, got {size}; set "
                "`aligner` for photographs, `resize` for crops"
            )
        resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        return Crop(np.array(resized), f"resized from {size}")


def _align(aligner: Aligner, pixels: Pixels) -> Crop:
    face = aligner(pixels)
    if face is None:
        raise ImageError("no face found")
    remark = f"{face.faces_found} faces, took the largest" if face.faces_found > 1 else ""
    return Crop(
        face.image, remark, FaceInPhotograph(pixels.shape[:2], face.landmarks, face.faces_found, tuple(face.areas))
    )
