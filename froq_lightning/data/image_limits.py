"""What one image file may cost. Files come from strangers: a small one can ask for minutes, or for all memory.

The worst file within these limits costs about 700 megabytes and four seconds; AVIF and HEIC up to ten.
"""

import re
from io import BytesIO

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import STRIPOFFSETS, TILELENGTH, TILEOFFSETS, TILEWIDTH, TiffImageFile

from froq_lightning.errors import ImageError

MOST_BYTES = 2**28
# What compresses needs less. AVIF and HEIC, which begin with the length of `ftyp`, take half a second for a megabyte.
MOST_BYTES_OF = {b"\xff\xd8": 2**26, b"RIFF": 2**26, b"\x89PNG": 2**27, b"ftyp": 2**24}
MOST_BYTES_HEADER = 2**24  # some photographs carry ten megabytes of depth map
MOST_BYTES_EXIF = 2**20
MOST_PIECES = 2**18
MOST_PIXELS = 3 * 2**24  # 8192 x 6144, the photographs of 50-megapixel phones
MOST_PIXELS_OF = {
    "JPEG": 2**26,  # quick, and some cameras have 61
    "WEBP": 2**25,  # held four times
    "16 bits": 2**25,  # twice the bytes
    "LZMA": 2**24,  # slow
    "AVIF": 2**25,  # held four times; its decoder takes up to 2**28, which the header need not tell
    "run-length": 2**22,  # decoded in Python
    "PPM in Python": 2**20,  # number by number
    "JPEG in TIFF": 10 * 2**20,  # may have a hundred scans, which nobody counts
}
MOST_SIDE = 2**16  # a line is copied with every block that is read of it
MOST_SCANS = 100  # libtiff stops there too; encoders write about ten, and eighteen with four colours
MOST_PIXELS_SCANNED = 16 * 2**26
MOST_SEGMENTS = 2**12
MOST_FILL = 2**10  # filling bytes are gone through again with every block that is read of them
MOST_TILES = 2**16
MOST_COMMENTS = 2**8

# In JPEG data, a 0xFF that does not stand for itself (00), fill (FF) or restart (D0 to D7) starts a segment.
_SEGMENT = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_ARITHMETIC = frozenset({b"\xc9", b"\xca", b"\xcb", b"\xcd", b"\xce", b"\xcf"})


class MeteredFile(BytesIO):
    """The content of a file, read in a bounded number of pieces, and its header in a bounded number of bytes.

    Pillow reads junk byte by byte, chunks and runs one by one; and two bytes of a tag become a Python number of 40.

    Raises:
        ImageError: when read, if that is too much.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.pieces_left = MOST_PIECES
        self.bytes_left = MOST_BYTES_HEADER
        if content.startswith(b"RIFF") or content[4:8] == b"ftyp":  # is read in one piece, and not into Python numbers
            self.end_header()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to so many bytes."""
        content = super().read(size)
        self.pieces_left -= 1
        self.bytes_left -= len(content)
        if self.pieces_left < 0:
            raise ImageError("image is in too many pieces")
        if self.bytes_left < 0:
            raise ImageError(f"image has more than {MOST_BYTES_HEADER // 10**6} megabytes of metadata")
        return content

    def end_header(self) -> None:
        """Let the pixels be read."""
        self.bytes_left = 2 * MOST_BYTES


def metered(content: bytes) -> BytesIO:
    """Return the content of a file to read, metered where that is needed.

    A JPEG file is read forwards, a byte at least at once. A short one has fewer bytes than it may have pieces.
    """
    short = len(content) < MOST_PIECES and content.startswith(b"\xff\xd8\xff")
    return BytesIO(content) if short else MeteredFile(content)


def end_header(file: BytesIO) -> None:
    """Let the pixels be read, after the header."""
    if isinstance(file, MeteredFile):
        file.end_header()


def check_length(length: int, start: bytes) -> None:
    """Refuse a file that is too long.

    Args:
        length: of the file, in bytes.
        start: its first bytes.

    Raises:
        ImageError: if it is.
    """
    starts = (start, start[4:])
    most = next((most for magic, most in MOST_BYTES_OF.items() if any(s.startswith(magic) for s in starts)), MOST_BYTES)
    if length > most:
        raise ImageError(f"file has more than {most // 10**6} megabytes")


def check_cost(image: ImageFile, content: bytes) -> None:
    """Refuse an image that would cost too much to decode; it is opened, but not loaded.

    Raises:
        ImageError: if it would.
    """
    most = MOST_PIXELS_OF.get(_kind(image), MOST_PIXELS)
    if image.width * image.height > most:
        raise ImageError(f"image has more than {most // 10**6} megapixels")
    if max(image.size) > MOST_SIDE:
        raise ImageError(f"image has a side of more than {MOST_SIDE:,} pixels")
    if isinstance(image, JpegImageFile):
        scans = count_scans(content)
        # Blocks of up to 32 pixels fill up the edges.
        if scans > MOST_SCANS or scans * (image.width + 31) * (image.height + 31) > MOST_PIXELS_SCANNED:
            raise ImageError(f"image is coded in {scans:,} scans, too many for its size")
    elif isinstance(image, TiffImageFile):
        _check_tiles(image)
    elif image.format == "PPM" and content.count(b"#") > MOST_COMMENTS and image.tile[0][0] == "ppm_plain":
        raise ImageError("image is in too many pieces")  # what follows a comment is copied for each


def _kind(image: ImageFile) -> str:
    """Return the key of an image's kind in `MOST_PIXELS_OF`."""
    compression = str(image.info.get("compression"))
    if "jpeg" in compression:
        return "JPEG in TIFF"
    if compression == "lzma":
        return "LZMA"
    decoder, _, _, arguments = image.tile[0] if image.tile else ("", None, 0, "")
    if decoder == "bmp_rle":
        return "run-length"
    if decoder in ("ppm", "ppm_plain"):
        return "PPM in Python"
    if "16" in str(arguments[0] if isinstance(arguments, tuple) else arguments):
        return "16 bits"
    return "JPEG" if isinstance(image, JpegImageFile) else str(image.format)


def _check_tiles(image: TiffImageFile) -> None:
    tags = image.tag_v2
    if max(len(tags.get(offsets, ())) for offsets in (STRIPOFFSETS, TILEOFFSETS)) > MOST_TILES:
        raise ImageError("image is in too many pieces")
    # A text, times a number, would be a long text.
    if int(tags.get(TILEWIDTH, 0)) * int(tags.get(TILELENGTH, 0)) > MOST_PIXELS:
        raise ImageError(f"image has tiles of more than {MOST_PIXELS // 10**6} megapixels")
    boxes = [tile[1] or (0, 0, 0, 0) for tile in image.tile]
    if sum((right - left) * (lower - upper) for left, upper, right, lower in boxes) < image.width * image.height:
        raise ImageError("image lacks some of its strips or tiles")  # Pillow leaves them black


def check_exif(image: Image.Image) -> None:
    """Refuse EXIF data that would take long to read, whether or not the image has any.

    Raises:
        ImageError: if there is too much of it.
    """
    for key in ("exif", "Raw profile type exif"):
        if len(image.info.get(key) or "") > MOST_BYTES_EXIF:
            raise ImageError(f"more than {MOST_BYTES_EXIF // 10**6} megabyte")


def count_scans(content: bytes) -> int:
    """Count the scans of a JPEG file, from its start to where its decoder stops.

    Raises:
        ImageError: if it has too many segments, too much between them, or is coded arithmetically, which is slow.
    """
    scans = position = 0
    for _ in range(MOST_SEGMENTS):
        segment = _SEGMENT.search(content, position)
        if content.find(b"\xff" * MOST_FILL, position, segment.start() if segment else None) >= 0:
            break
        if segment is None or segment[1] == _END_OF_IMAGE:
            return scans
        if segment[1] in _ARITHMETIC:
            raise ImageError("image is coded arithmetically, which is not supported")
        scans += segment[1] == _START_OF_SCAN
        position = segment.end()
        if segment[1] > _END_OF_IMAGE or b"\xc0" <= segment[1] < b"\xd0":
            position += int.from_bytes(content[position : position + 2])
    raise ImageError("image is in too many pieces")
