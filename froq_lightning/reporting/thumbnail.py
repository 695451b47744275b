"""Pictures small enough to be part of a page, and what is written below them."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from froq_lightning.backbones.spec import Pixels

# Longest side in pixels: of a face among many, and on a card.
SIDE, CARD_SIDE = 96, 112


@dataclass(frozen=True)
class Card:
    """A picture with its caption.

    Args:
        picture: as a `data:` address; empty if there is none.
        name: of what it shows.
        quality: 0..100; None if there is none.
        note: smaller, below the name.
        image: the whole name of the image, if `name` is another.
    """

    picture: str
    name: str
    quality: int | None = None
    note: str = ""
    image: str = ""


def thumbnail(pixels: Pixels, side: int = SIDE) -> str:
    """Return `[h, w, 3]` RGB uint8 pixels, made smaller if need be, as a `data:` address."""
    step = max(min(pixels.shape[:2]) // (4 * side), 1)  # a photograph would be copied as a whole
    image = Image.fromarray(pixels[::step, ::step])
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
