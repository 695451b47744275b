"""Decoding of ordinary JPEG files by simplejpeg, an extra that is quicker than Pillow and gives the same pixels."""

from collections.abc import Callable
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from froq_lightning.backbones.spec import Pixels

# A damaged file is decoded twice, for Pillow says what is wrong with it. With as many scans as `image_limits` allows,
# one of this size takes less than the largest that Pillow decodes alone.
MOST_PIXELS = 2**22
MODES = ("RGB", "L")

Decoder = Callable[..., Pixels]


def decode_jpeg(image: Image.Image, content: bytes) -> Pixels | None:
    """Decode a JPEG file that Pillow has opened, and whose cost was checked.

    Args:
        image: opened, but not loaded.
        content: of its file.

    Returns:
        `[h, w, 3]` RGB uint8, the pixels that Pillow gives; None if Pillow has to decode it: without simplejpeg, and
        where the file is of another kind, large, or damaged in any way.
    """
    if type(image) is not JpegImageFile or image.mode not in MODES or image.width * image.height > MOST_PIXELS:
        return None
    decoder = simplejpeg_decoder()
    if decoder is None:
        return None
    try:
        pixels = decoder(content)  # it raises for what libjpeg warns of, too
    except ValueError:
        return None
    return pixels if pixels.shape == (image.height, image.width, 3) else None


@cache
def simplejpeg_decoder() -> Decoder | None:
    """Return simplejpeg's decoder; None if it is not installed, or gives other pixels than this build of Pillow.

    Scores must not depend on whether it is installed, and Pillow may be built with another libjpeg.
    """
    try:
        from simplejpeg import decode_jpeg as decoder  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return decoder if all(_agrees(decoder, content) for content in _samples()) else None


def _agrees(decoder: Decoder, content: bytes) -> bool:
    with Image.open(BytesIO(content)) as image:
        return np.array_equal(decoder(content), np.asarray(image.convert("RGB")))


def _samples() -> list[bytes]:
    """Encode a smooth image with some noise in the ways that are decoded differently."""
    rows, columns = np.mgrid[:53, :61]
    noise = np.random.default_rng(0).integers(0, 60, (53, 61, 3))
    pixels = np.stack([3 * rows, 3 * columns, 255 - 2 * (rows + columns) % 256], axis=2) % 256
    image = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    contents = []
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for progressive in (False, True):
            file = BytesIO()
            image.save(file, "JPEG", quality=80, subsampling=subsampling, progressive=progressive)
            contents.append(file.getvalue())
    return contents
