"""The images of a data set that a method finds worst and best, small enough to be part of a page."""

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from froq_lightning.data.face_batch import FaceSample
from froq_lightning.evaluation.comparisons import Floats, Integers

SIDE = 96

Reader = Callable[[int], FaceSample]


@dataclass(frozen=True)
class Portrait:
    """An image in a page: its name, its quality, and its pixels as a `data:` address."""

    key: str
    quality: float
    source: str


@dataclass(frozen=True)
class FaceRow:
    """The worst images by a method, the very worst first, and the best ones, the very best last."""

    worst: tuple[Portrait, ...]
    best: tuple[Portrait, ...]


def face_row(read: Reader, quality: Floats, ends: int) -> FaceRow:
    """Show the images at the ends of a ranking.

    Args:
        read: gives an image by its position.
        quality: `[N]` of the images; NaN where it is missing.
        ends: number of images at either end, if there are so many.
    """
    worst, best = _ends(quality, ends)
    return FaceRow(tuple(_portraits(read, quality, worst)), tuple(_portraits(read, quality, best)))


def _ends(quality: Floats, ends: int) -> tuple[Integers, Integers]:
    order = np.argsort(quality, kind="stable")
    order = order[np.isfinite(quality[order])]
    count = min(ends, len(order) // 2)
    return order[:count], order[len(order) - count :]


def _portraits(read: Reader, quality: Floats, places: Integers) -> Iterator[Portrait]:
    for index in places.tolist():
        sample = read(index)
        if sample.image is not None:
            pixels = sample.image.permute(1, 2, 0).numpy()
            yield Portrait(sample.key, float(quality[index]), _data_address(Image.fromarray(pixels)))


def _data_address(image: Image.Image) -> str:
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
