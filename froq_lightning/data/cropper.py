"""Pixels of an image to the crop that a network takes: aligned, checked for its size, or resized."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from froq_lightning.backbones.spec import Aligner, Pixels, Preprocessing
from froq_lightning.data.image_refs import Landmarks
from froq_lightning.data.landmark_alignment import align_by_landmarks
from froq_lightning.errors import ImageError


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

    def __call__(self, pixels: Pixels, landmarks: Landmarks | None = None) -> tuple[Pixels, str]:
        """Return the `[*size, 3]` crop, and a remark on what was done, mostly empty.

        Raises:
            ImageError: if there is no face, the landmarks are none of a face, or the size is another.
        """
        if self.aligner is not None:
            return _align(self.aligner, pixels)
        if landmarks is not None:
            points = np.array(landmarks, dtype=np.float64)
            return align_by_landmarks(pixels, points, self.preprocessing.size, self.preprocessing.alignment), ""
        return self._fit(pixels)

    def _fit(self, pixels: Pixels) -> tuple[Pixels, str]:
        height, width = self.preprocessing.size
        if pixels.shape[:2] == (height, width):
            return pixels, ""
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        if not self.resize:
            raise ImageError(
                f"expected a {width} x {height} crop with {self.preprocessing.alignment!r} alignment, got {size}; set "
                "`aligner` for photographs, `resize` for crops"
            )
        resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        return np.array(resized), f"resized from {size}"


def _align(aligner: Aligner, pixels: Pixels) -> tuple[Pixels, str]:
    face = aligner(pixels)
    if face is None:
        raise ImageError("no face found")
    return face.image, f"{face.faces_found} faces, took the largest" if face.faces_found > 1 else ""
