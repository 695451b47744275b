"""Image files to RGB pixels. Whatever a camera or an editor left behind is brought to 8-bit RGB, and said."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from froq_lightning.backbones.spec import Pixels
from froq_lightning.errors import ImageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")


def read_image(path: Path) -> tuple[Pixels, str]:
    """Read an image file.

    Returns:
        `[h, w, 3]` RGB uint8, and a note on what was changed, empty for a plain 8-bit colour image.

    Raises:
        ImageError: if it does not exist, is empty, damaged, absurdly large, or no image.
    """
    try:
        if path.stat().st_size == 0:
            raise ImageError("file is empty")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _to_rgb(image)
    except FileNotFoundError:
        raise ImageError("file does not exist") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(f"image has more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} megapixels") from None
    except UnidentifiedImageError:
        raise ImageError("file is no image of a known format, or damaged") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"file is damaged or unreadable: {error}") from error


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
