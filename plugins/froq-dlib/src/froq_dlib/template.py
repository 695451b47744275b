"""Brings a face into the ArcFace template by a similarity transform of dlib's five landmarks."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from froq_lightning.backbones.spec import Pixels

TEMPLATE_SIDE = 112

# Where dlib's five landmarks (outer and inner corner of the eye on the right of the picture, the same of the eye on
# its left, base of the nose; x and y) lie in crops on the ArcFace template, which itself is given in other landmarks:
# means measured over 803 aligned crops of Labeled Faces in the Wild, leaving out those where a landmark was more than
# 8 pixels off its median.
ARCFACE_LANDMARKS = np.array([[79.70, 52.87], [65.99, 53.36], [31.13, 53.01], [44.91, 53.39], [55.58, 79.74]])

Points = npt.NDArray[np.float64]


def arcface_crop(image: Pixels, landmarks: Points, size: tuple[int, int]) -> Pixels:
    """Cut a face out on the ArcFace template.

    Args:
        image: `[h, w, 3]` RGB.
        landmarks: `[5, 2]` x and y of dlib's five landmarks, in the centres of pixels.
        size: (height, width) of the crop. The template fills the longer side; the middle of the other is kept.

    Returns:
        `[*size, 3]` crop, black where it reaches beyond the image.
    """
    # Half a pixel turns the centres of pixels into distances from the corner, which scale without an offset.
    slope, offset = similarity(landmarks + 0.5, _targets(size))
    # Bilinear sampling looks at neighbours only: a larger face is averaged down first.
    factor = max(1, int(1 / abs(slope)))
    source = Image.fromarray(image).reduce(factor)
    step, start = 1 / slope / factor, -offset / slope / factor
    inverse = (step.real, -step.imag, start.real, step.imag, step.real, start.imag)
    cut = source.transform(size[::-1], Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR)
    return np.array(cut)


def _targets(size: tuple[int, int]) -> Points:
    height, width = size
    scale = max(size) / TEMPLATE_SIDE
    middle = np.array([width, height]) / 2
    return (ARCFACE_LANDMARKS + 0.5 - TEMPLATE_SIDE / 2) * scale + middle


def similarity(source: Points, target: Points) -> tuple[complex, complex]:
    """Fit rotation, scale and shift by least squares (Umeyama, 1991).

    In the plane, with points as complex numbers, that is a linear regression: its slope holds scale and rotation.

    Args:
        source: `[N, 2]` points, not all the same.
        target: `[N, 2]` points.

    Returns:
        slope and offset of `target = slope * source + offset`, with x as the real and y as the imaginary part.
    """
    x, y = (points[:, 0] + 1j * points[:, 1] for points in (source, target))
    centred = x - x.mean()
    slope = np.vdot(centred, y - y.mean()) / np.vdot(centred, centred)
    return complex(slope), complex(y.mean() - slope * x.mean())
