"""Image files to RGB pixels. Whatever a camera or an editor left behind is brought to 8-bit RGB, and said."""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from froq_lightning.backbones.spec import Pixels
from froq_lightning.errors import ImageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
# What Pillow raises for damaged files. ImageError is a ValueError too: it must be let through first.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, MemoryError)


def read_image(path: Path) -> tuple[Pixels, str]:
    """Read an image file.

    Returns:
        `[h, w, 3]` RGB uint8, and a note on what was changed, empty for a plain 8-bit colour image.

    Raises:
        ImageError: if it does not exist, is empty, damaged, absurdly large, or no image.
    """
    try:
        return _read(path)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError("file does not exist") from None
    except UnidentifiedImageError:
        empty = path.stat().st_size == 0
        raise ImageError("file is empty" if empty else "file is no image of a known format, or damaged") from None
    except DAMAGE as error:
        raise ImageError(f"file is damaged or unreadable: {error}") from error


def decode_image(content: bytes) -> tuple[Pixels, str]:
    """Decode an image file that lies in an archive; see `read_image`.

    Raises:
        ImageError: if it is empty, damaged, absurdly large, or no image.
    """
    if not content:
        raise ImageError("entry holds no image")
    try:
        return _read(BytesIO(content))
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("entry is no image of a known format, or damaged") from None
    except DAMAGE as error:
        raise ImageError(f"entry is damaged: {error}") from error


def _read(source: Path | BytesIO) -> tuple[Pixels, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=FORMATS) as image:
                return _to_rgb(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(f"image has more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} megapixels") from None


def _to_rgb(image: Image.Image) -> tuple[Pixels, str]:
    notes = []
    upright = ImageOps.exif_transpose(image)
    if upright.size != image.size or image.getexif().get(0x0112, 1) != 1:
        notes.append("rotated as its EXIF says")
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_wide(upright), "; ".join([*notes, "16-bit grey, scaled to 8 bits"])
    if "A" in upright.mode.replace("LAB", "") or "transparency" in upright.info:
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "black"), upright.convert("RGBA"))
        notes.append("transparency put on black")
    elif upright.mode in ("L", "1"):
        notes.append("grey image")
    elif upright.mode not in ("RGB", "P"):
        notes.append(f"converted from {upright.mode}")
    return np.asarray(upright.convert("RGB")), "; ".join(notes)


def _from_wide(image: Image.Image) -> Pixels:
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ImageError("pixels are neither of 8 nor of 16 bits")
    grey = (values.astype(np.float32) / 257).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
