"""Pictures small enough to be part of a page."""

import base64
import io

from PIL import Image

from froq_lightning.backbones.spec import Pixels

# Longest side in pixels.
SIDE = 96


def thumbnail(pixels: Pixels, side: int = SIDE) -> str:
    """Return `[h, w, 3]` RGB uint8 pixels, made smaller if need be, as a `data:` address."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
