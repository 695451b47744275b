"""The quality components of an image of a face, all of them at once."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from froq_lightning.defects.exposure import exposure, luminance
from froq_lightning.defects.landmarks import FaceInPhotograph, placement
from froq_lightning.defects.scale import FAILURE

Pixels = npt.NDArray[np.uint8]

# Crops are measured at this width and height, so that no measure depends on the network's.
SIDE = 112


def measure(crop: Pixels, source: Pixels | None = None, face: FaceInPhotograph | None = None) -> tuple[int, ...]:
    """Measure the quality components of a face: as `components`, without the names."""
    return tuple(components(crop, source, face).values())


def components(crop: Pixels, source: Pixels | None = None, face: FaceInPhotograph | None = None) -> dict[str, int]:
    """Measure the quality components of a face.

    Args:
        crop: `[h, w, 3]` RGB uint8, aligned.
        source: `[h, w, 3]` what the crop was cut from or resized from, as it was decoded; by default the crop itself.
        face: what is known of the face in its photograph.

    Returns:
        0..100 by the name of each component (`COMPONENTS`), higher is better; -1 where it cannot be computed.
    """
    del source
    rgb = np.asarray(_resized(crop), dtype=np.float64)
    levels = luminance(rgb)
    return {**exposure(levels), **placement(face)}


def _resized(crop: Pixels) -> Pixels:
    if crop.shape[:2] == (SIDE, SIDE):
        return crop
    return np.asarray(Image.fromarray(crop).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


# The names, in the order of columns.
COMPONENTS: tuple[str, ...] = tuple(components(np.zeros((SIDE, SIDE, 3), np.uint8)))
# Their values where nothing could be measured.
UNKNOWN: tuple[int, ...] = (FAILURE,) * len(COMPONENTS)
