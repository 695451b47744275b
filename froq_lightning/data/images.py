"""Image files to RGB pixels: every format is converted to 8-bit RGB, with a note on what was changed."""

import re
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.image_limits import check_cost, check_exif, check_length, end_header, metered
from froq_lightning.data.jpeg_decoder import decode_jpeg
from froq_lightning.errors import ImageError
from froq_lightning.terminal import printable

# By their names; the format is found by the content.
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"})
SUFFIXES |= {".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".heif", ".hif"}
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM", "AVIF")
# The first bytes of these formats.
START = re.compile(
    rb"\xff\xd8\xff|\x89PNG|BM.{4}\0{4}|RIFF.{4}WEBP|II\*\0|MM\0\*|GIF8[79]a|P[1-6]\s|.{4}ftyp(avi[fs]|mi[fa]|he[iv])",
    re.DOTALL,
)
# HEIC names itself among the brands of its first box.
HEIC = re.compile(rb".{4}ftyp(?:.{4})*?(?:hei[cmsx]|hev[cmsx])", re.DOTALL)
LONGEST_BRANDS = 256
BAND = 2**20  # pixels that are converted at once; a conversion makes several copies
LONGEST_REASON = 200

# Of each EXIF orientation: the upright pixels, seen as they are stored.
STORED: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


def read_image(path: Path) -> tuple[Pixels, str]:
    """Read an image file.

    Returns:
        `[h, w, 3]` RGB uint8, and a note on what was changed, empty for a plain 8-bit colour image.

    Raises:
        ImageError: if it does not exist, is empty, damaged, absurdly large or costly, or no image.
    """
    try:
        content = _content(path)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError("file does not exist") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"file is damaged or unreadable: {_one_line(error)}") from error
    return decode_image(content, "file")


def decode_image(content: bytes, what: str = "entry") -> tuple[Pixels, str]:
    """Decode the content of an image file; see `read_image`.

    Args:
        content: of the file, or of an entry of an archive.
        what: to call it in errors.

    Raises:
        ImageError: if it is empty, damaged, absurdly large or costly, or no image.
    """
    if not content:
        raise ImageError(f"{what} is empty")
    check_length(len(content), content)
    return _guarded(lambda: _read(content), what)


def convert_image(image: Image.Image) -> tuple[Pixels, str]:
    """Convert an image that Pillow has opened; see `read_image`.

    Raises:
        ImageError: if it is empty, or its file turns out to be damaged.
    """
    if not image.width or not image.height:
        raise ImageError("image is empty")
    return _guarded(lambda: _convert(image), "image")


def is_image(path: Path) -> bool:
    """Tell an image by its first bytes, whatever its name says."""
    try:
        if not path.is_file():  # opening a pipe waits for its writer
            return False
        with path.open("rb") as file:
            return START.match(file.read(16)) is not None
    except OSError:
        return False


def _content(path: Path) -> bytes:
    status = path.stat()
    # Opening a pipe waits for its writer, and a device may have no end.
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is a folder, pipe or device")
    with path.open("rb") as file:
        check_length(status.st_size, file.peek(8))
        return file.read(status.st_size)


def _guarded(read: Callable[[], tuple[Pixels, str]], what: str) -> tuple[Pixels, str]:
    """Re-raise whatever Pillow raises as an ImageError, and turn its warnings into a note."""
    try:
        with _never_truncated(), warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            pixels, note = read()
        damage = [f"metadata is damaged: {_one_line(each.message)}" for each in raised if each.category is UserWarning]
        return pixels, "; ".join(filter(None, [note, *damage[:1]]))
    except ImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(f"image has more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} megapixels") from None
    except UnidentifiedImageError:
        raise ImageError(f"{what} is no image of a known format, or damaged") from None
    # On damaged content Pillow raises whatever its code stumbles over, from AssertionError to zlib.error.
    except Exception as error:
        raise ImageError(f"{what} is damaged or unreadable: {_one_line(error)}") from error


def _read(content: bytes) -> tuple[Pixels, str]:
    source = metered(content)
    with _opened(source, content) as image:
        check_cost(image, content)
        end_header(source)
        return _convert(image, content)


def _convert(image: Image.Image, content: bytes = b"") -> tuple[Pixels, str]:
    decoded = decode_jpeg(image, content)
    if decoded is None:
        image.load()
    orientation = _orientation(image)
    return _to_rgb(image, orientation, decoded), "; ".join(_changes(image, orientation))


def _opened(source: BytesIO, content: bytes) -> ImageFile.ImageFile:
    """Open an image, of which only the header is read; HEIC by an extra, which Pillow does not read."""
    if not HEIC.match(content, 0, min(LONGEST_BRANDS, int.from_bytes(content[:4]))):
        return Image.open(source, formats=FORMATS)
    try:
        from pillow_heif import HeifImageFile  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImageError("HEIC images need pillow-heif: pip install 'froq-lightning[heif]'") from None
    return HeifImageFile(source)


def _has_frames(image: Image.Image) -> bool:
    """Tell whether there is more than the image that is read; a photograph with a depth map or a preview is one."""
    try:
        return image.format not in ("MPO", "HEIF") and getattr(image, "is_animated", False)
    except Exception:  # a GIF looks for its second frame, which may be damaged
        return True


@contextmanager
def _never_truncated() -> Iterator[None]:
    """Have files that end early refused, not filled up with grey, whatever the process allows itself elsewhere."""
    allowed = ImageFile.LOAD_TRUNCATED_IMAGES
    if allowed:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        if allowed:
            ImageFile.LOAD_TRUNCATED_IMAGES = True


def _orientation(image: Image.Image) -> int:
    """Read the EXIF orientation; if that fails, warn, and take the image as it is stored."""
    try:
        check_exif(image)
        # Opening a JPEG file reads EXIF for its resolution, and keeps silent if it cannot.
        Image.Exif().load(image.info.get("exif") or b"")
        found = image.getexif().get(0x0112)
    except Exception as error:
        warnings.warn(f"EXIF: {error}", stacklevel=2)
        return 1
    return found if found in STORED else 1


def _changes(image: Image.Image, orientation: int) -> list[str]:
    notes = ["rotated as its EXIF says"] if orientation != 1 else []
    if _is_wide(image):
        notes.append("16-bit grey, scaled to 8 bits")
    elif _is_transparent(image):
        notes.append("transparency put on black")
    elif image.mode in ("L", "1"):
        notes.append("grey image")
    elif image.mode not in ("RGB", "P"):
        notes.append(f"converted from {image.mode}")
    if _has_frames(image):
        notes.append("several frames, took the first")
    return notes


def _to_rgb(image: Image.Image, orientation: int, decoded: Pixels | None) -> Pixels:
    if decoded is not None and orientation == 1:
        return decoded
    width, height = image.size
    pixels = np.empty((width, height, 3) if orientation > 4 else (height, width, 3), dtype=np.uint8)
    stored = STORED.get(orientation, np.asarray)(pixels)
    image = image if decoded is None else Image.fromarray(decoded)
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height))) if rows < height else image
        stored[top : top + rows] = _band_to_rgb(band)
    return pixels


def _is_wide(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _is_transparent(image: Image.Image) -> bool:
    return "A" in image.mode.replace("LAB", "") or "transparency" in image.info


def _band_to_rgb(band: Image.Image) -> Pixels:
    if _is_wide(band):
        return _from_wide(band)
    if _is_transparent(band):
        band = Image.alpha_composite(Image.new("RGBA", band.size, "black"), band.convert("RGBA"))
    return np.asarray(band if band.mode == "RGB" else band.convert("RGB"))


def _from_wide(band: Image.Image) -> Pixels:
    values = np.asarray(band)
    if band.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ImageError("pixels are neither of 8 nor of 16 bits")
    grey = (values.astype(np.float32) / 257).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _one_line(message: object) -> str:
    return printable(" ".join(str(message).split()))[:LONGEST_REASON] or type(message).__name__
