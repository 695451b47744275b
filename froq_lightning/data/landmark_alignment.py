"""Crops from landmarks that came with the images: a similarity transform onto the template of five points."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from froq_lightning.backbones.spec import Pixels
from froq_lightning.errors import ImageError

Points = npt.NDArray[np.float64]

TEMPLATE_SIDE = 112
# Eye, eye, tip of the nose, corner, corner of the mouth from left to right in the picture: the template that ArcFace
# and its successors are trained on, in the centres of pixels.
TEMPLATES = {
    "arcface": np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    )
}


@dataclass(frozen=True)
class Similarity:
    """Rotation, scale and shift in the plane: (x, y) goes to (a x - b y + u, b x + a y + v)."""

    a: float
    b: float
    u: float
    v: float

    @classmethod
    def fit(cls, source: Points, target: Points) -> "Similarity":
        """Fit by least squares, without reflection (Umeyama, 1991), in closed form.

        Args:
            source: `[N, 2]`.
            target: `[N, 2]`, where they should go.

        Raises:
            ImageError: if the source points are not finite, or all the same.
        """
        middle, goal = source.mean(0), target.mean(0)
        (x, y), (p, q) = (source - middle).T, (target - goal).T
        spread = float((x**2 + y**2).sum())
        if not np.isfinite(spread) or spread < 1e-6:
            raise ImageError("landmarks are no face: they are the same point, or not finite")
        a, b = float((x * p + y * q).sum()) / spread, float((x * q - y * p).sum()) / spread
        return cls(a, b, goal[0] - a * middle[0] + b * middle[1], goal[1] - b * middle[0] - a * middle[1])

    def inverse(self) -> "Similarity":
        """Return the transform that undoes this one."""
        norm = self.a**2 + self.b**2
        if norm < 1e-12:
            raise ImageError("landmarks are no face: they do not resemble the template")
        a, b = self.a / norm, -self.b / norm
        return Similarity(a, b, -a * self.u + b * self.v, -b * self.u - a * self.v)


def align_by_landmarks(image: Pixels, landmarks: Points, size: tuple[int, int], alignment: str) -> Pixels:
    """Cut a face out on a template, sampled bilinearly as published protocols do, without smoothing before.

    Args:
        image: `[h, w, 3]`.
        landmarks: `[5, 2]` x and y in the centres of pixels, in the template's order.
        size: (height, width) of the crop. The template fills the longer side; the middle of the other is kept.
        alignment: name of the template.

    Returns:
        `[*size, 3]` crop, black where it reaches beyond the image.

    Raises:
        ImageError: if the landmarks are no face.
    """
    # Half a pixel turns the centres of pixels into distances from the corner, which scale without an offset.
    scale, middle = max(size) / TEMPLATE_SIDE, np.array(size[::-1]) / 2
    target = (TEMPLATES[alignment] + 0.5 - TEMPLATE_SIDE / 2) * scale + middle
    back = Similarity.fit(landmarks + 0.5, target).inverse()
    coefficients = (back.a, -back.b, back.u, back.b, back.a, back.v)
    cut = Image.fromarray(image).transform(size[::-1], Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return np.asarray(cut)
