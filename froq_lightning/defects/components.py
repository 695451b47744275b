"""The quality components of an image of a face, all of them at once."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from froq_lightning.defects.degradations import degradations
from froq_lightning.defects.exposure import exposure, luminance
from froq_lightning.defects.landmarks import FaceInPhotograph, placement
from froq_lightning.defects.measurements import SIDE, Floats, measurements
from froq_lightning.defects.scale import FAILURE

Pixels = npt.NDArray[np.uint8]

# Half the side of the part of a photograph, in pixels, in which the blocks of JPEG are looked for.
LEAST, MOST = 16.0, 128.0
# Share of a side of the crop that is not black, up to which the side counts as padding.
PADDED = 0.7


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
    found = degradations(measured(crop, source, face))
    if face is not None and _is_padded(crop):
        found["FlatOcclusionPrevention"] = FAILURE
    return {**exposure(luminance(_resized(crop))), **found, **placement(face)}


def measured(crop: Pixels, source: Pixels | None = None, face: FaceInPhotograph | None = None) -> dict[str, float]:
    """Return what the components of degradations are computed from; see `components`."""
    return measurements(_resized(crop), _around(crop if source is None else source, face))


def _is_padded(crop: Pixels) -> bool:
    """Whether an aligner has filled a side of the crop with black, since it reaches beyond the photograph."""
    return any(not side.any(axis=1).mean() > PADDED for side in (crop[0], crop[-1], crop[:, 0], crop[:, -1]))


def _resized(crop: Pixels) -> Floats:
    if crop.shape[:2] != (SIDE, SIDE):
        crop = np.asarray(Image.fromarray(crop).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return crop.astype(np.float32)


def _around(source: Pixels, face: FaceInPhotograph | None) -> Floats:
    """Cut out, at the edges of 8 x 8 blocks, no more than the surroundings of the face."""
    height, width = source.shape[:2]
    middle, reach = np.array([width, height]) / 2, MOST
    if face is not None and face.landmarks is not None and np.isfinite(face.landmarks.eyes).all():
        middle, reach = face.landmarks.eyes.mean(0), min(MOST, 1.5 * face.landmarks.distance)
    left, top = (
        int(np.clip(place - max(reach, LEAST), 0, max(0, length - 2 * LEAST))) // 8 * 8
        for place, length in zip(middle, (width, height), strict=True)
    )
    side = int(2 * max(reach, LEAST)) // 8 * 8
    part = source[top : top + side, left : left + side]
    missing = [(0, max(0, int(2 * LEAST) - length)) for length in part.shape[:2]]
    return np.pad(part, (*missing, (0, 0)), mode="edge").astype(np.float32)


# The names, in the order of columns.
COMPONENTS: tuple[str, ...] = tuple(components(np.zeros((SIDE, SIDE, 3), np.uint8)))
# Their values where nothing could be measured.
UNKNOWN: tuple[int, ...] = (FAILURE,) * len(COMPONENTS)
