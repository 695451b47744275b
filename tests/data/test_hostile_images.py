"""Image files that strangers made: each is read, or refused with a reason, in bounded time and memory."""

import os
import signal
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageFile

from froq_lightning.data.images import decode_image, read_image
from froq_lightning.errors import ImageError

MEGABYTE = 2**20
LARGEST = (8192, 6144)
PNG = b"\x89PNG\r\n\x1a\n"
UNKNOWN = "no image of a known format"
METADATA = "more than 16 megabytes of metadata"
PIECES = "image is in too many pieces"
FRAMES = "several frames, took the first"
Contents = dict[str, tuple[Callable[[], bytes], str]]


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    def stop(*_: object) -> None:
        pytest.fail("takes longer than five minutes")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def plain(kind: str, mode: str = "RGB", size: tuple[int, int] = (20, 12), **options: Any) -> bytes:
    """An image of one colour."""
    content = BytesIO()
    Image.new(mode, size, 90).save(content, kind, **options)
    return content.getvalue()


def chunk(kind: bytes, inside: bytes = b"") -> bytes:
    return struct.pack(">I", len(inside)) + kind + inside + struct.pack(">I", zlib.crc32(kind + inside))


def png(size: tuple[int, int], *chunks: bytes, bits: int = 8, colours: int = 2) -> bytes:
    """A PNG of an own size and chunks."""
    return PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colours, 0, 0, 0)) + b"".join(chunks)


def rows(size: tuple[int, int], samples: int = 3) -> bytes:
    """The chunk of black pixels."""
    packer = zlib.compressobj(1)
    packed = [packer.compress(bytes(1 + size[0] * samples)) for _ in range(size[1])]
    return chunk(b"IDAT", b"".join((*packed, packer.flush())))


def bmp(size: tuple[int, int], pixels: bytes = b"", bits: int = 24, compression: int = 0) -> bytes:
    """A BMP of an own size; of runs with 8 bits and compression 1."""
    palette = bytes(1024 if bits == 8 else 0)
    head = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + len(palette)) + head + palette + pixels


def tiff(tags: dict[int, int | tuple[int, int, int]], data: bytes = bytes(4096)) -> bytes:
    """A TIFF of 64 by 64 grey pixels, but for the tags given: a number, or a type, count, and value or offset."""
    known = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 64, 279: len(data)}
    entries = {tag: value if isinstance(value, tuple) else (4, 1, value) for tag, value in (known | tags).items()}
    packed = [struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries)]
    return b"".join(
        (b"II*\0", struct.pack("<I", 8 + len(data)), data, struct.pack("<H", len(packed)), *packed, bytes(4))
    )


def webp(size: tuple[int, int], frames: int) -> bytes:
    """A WEBP animation of one pixel on a canvas."""
    frame = bytes(6 + 6 + 4) + plain("WEBP", size=(1, 1), lossless=True)[12:]
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    parts = [(b"VP8X", b"\2\0\0\0" + canvas), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * frames]
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(inside)) + inside for kind, inside in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


ISPE = b"ispe" + bytes(4)


def heic(size: tuple[int, int] = (20, 12)) -> bytes:
    """A photograph of an iPhone."""
    content = BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", size, 90)).save(content)
    return content.getvalue()


def sized(content: bytes, before: bytes, size: bytes) -> bytes:
    """Change the size that a header states."""
    place = content.index(before) + len(before)
    return content[:place] + size + content[place + len(size) :]


def segment(marker: int, inside: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(inside) + 2) + inside


def scan(components: bytes, first: int, last: int, bits: int) -> bytes:
    named = b"".join(bytes([component, 0]) for component in components)
    return segment(0xDA, bytes([len(components)]) + named + bytes([first, last, bits]))


def scanned(size: tuple[int, int], scans: int, frame: int = 0xC2) -> bytes:
    """A JPEG whose scans say in a few bytes that nothing changes, and lead a decoder through all its pixels."""
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    tables += b"".join(
        segment(0xC4, bytes([kind, 1]) + bytes(15) + bytes([symbol])) for kind, symbol in ((0, 0), (16, 0xE0))
    )
    head = segment(frame, struct.pack(">BHHB", 8, size[1], size[0], 3) + b"\1\x11\0\2\x11\0\3\x11\0")
    blocks = (size[0] + 7) // 8 * ((size[1] + 7) // 8)
    runs = "011111111111111" * (blocks // 2**14 + 1)
    unchanged = int(runs.ljust(-(-len(runs) // 8) * 8, "1"), 2).to_bytes(-(-len(runs) // 8)).replace(b"\xff", b"\xff\0")
    first = scan(b"\1\2\3", 0, 0, 0x01) + bytes(blocks * 3 // 8 + 1)
    others = [scan(bytes([1 + number % 3]), 1, 63, 0x10) + unchanged for number in range(scans - 1)]
    return b"".join((b"\xff\xd8", tables, head, first, *others, b"\xff\xd9"))


def jpeg(*segments: bytes, end: bytes = b"") -> bytes:
    """A JPEG with more segments at its start, and something before its end."""
    content = plain("JPEG")
    return b"".join((content[:2], *segments, content[2:-2], end, content[-2:]))


def exif(*tags: tuple[int, int, int, int]) -> bytes:
    """A JPEG segment of EXIF tags: number, type, count, and value or offset."""
    packed = [struct.pack("<HHII", *tag) for tag in tags]
    return segment(0xE1, b"".join((b"Exif\0\0II*\0\x08\0\0\0", struct.pack("<H", len(packed)), *packed, bytes(4))))


BOMB = zlib.compress(bytes(300 * MEGABYTE))
FRAME = struct.pack(">5I6x", 0, 9, 9, 0, 0)
ROTATION = (0x0112, 3, 1, 6)
XMP = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><x>&b;&b;&b;</x><rdf tiff:Orientation="6"/></x:xmpmeta>"""

OTHER_FORMATS: Contents = {
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", UNKNOWN),
    "SVG": (lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', UNKNOWN),
    "HTML": (lambda: b"<!DOCTYPE html><html><script>alert(1)</script></html>", UNKNOWN),
    "PDF": (lambda: plain("PDF"), UNKNOWN),
    "JPEG 2000": (lambda: plain("JPEG2000"), UNKNOWN),
    "ICO": (lambda: plain("ICO"), UNKNOWN),
    "a ZIP archive": (lambda: b"PK\3\4" + bytes(26), UNKNOWN),
}
PNGS: Contents = {
    "a billion pixels": (lambda: png((30_000, 40_000), chunk(b"IDAT")), "more than 89 megapixels"),
    "sides of two billion": (lambda: png((2**31 - 1, 2**31 - 1), chunk(b"IDAT")), "more than 89 megapixels"),
    "a line too much": (lambda: png((8192, 6145), chunk(b"IDAT")), "more than 50 megapixels"),
    "sixteen bits, and a line too much": (lambda: png((8192, 4097), chunk(b"IDAT"), bits=16), "than 33 megapixels"),
    "no width": (lambda: png((0, 4), rows((0, 4))), UNKNOWN),
    "empty chunks": (lambda: png((4, 4), chunk(b"prIv") * 140_000, rows((4, 4))), PIECES),
    "empty chunks behind its pixels": (lambda: png((4, 4), rows((4, 4)), chunk(b"prIv") * 140_000), PIECES),
    "its pixels in empty chunks": (lambda: png((4, 4), chunk(b"IDAT") * 200_000), PIECES),
    "a large chunk": (lambda: png((4, 4), chunk(b"prIv", bytes(17 * MEGABYTE))), METADATA),
    "a text that expands": (lambda: png((4, 4), chunk(b"zTXt", b"a\0\0" + BOMB)), "damaged or .* data too large"),
    "a profile that expands": (lambda: png((4, 4), chunk(b"iCCP", b"a\0\0" + BOMB)), "damaged or .* data too large"),
    "a frame outside": (lambda: png((4, 4), chunk(b"acTL", b"\0\0\0\2" * 2), chunk(b"fcTL", FRAME)), UNKNOWN),
    "a wrong checksum": (lambda: png((4, 4))[:-1] + b"!" + rows((4, 4)), UNKNOWN),
}
BITMAPS: Contents = {
    "one long line": (lambda: bmp((50_000_000, 1)), "a side of more than 65,536 pixels"),
    "many runs": (lambda: bmp((2048, 2048), b"\1\0" * 140_000, 8, 1), PIECES),
    "runs, and a line too much": (lambda: bmp((2048, 2049), b"\1\0", 8, 1), "more than 4 megapixels"),
    "a header of two gigabytes": (lambda: b"BM" + bytes(12) + b"\xff\xff\xff\x7f" + bytes(99), "Truncated File Read"),
    "no height": (lambda: bmp((4, 0)), UNKNOWN),
}
TIFFS: Contents = {
    "many strips": (lambda: tiff({273: (3, 2**17, 8), 279: (3, 2**17, 8), 278: 1}, bytes(2**18)), PIECES),
    "long tags": (lambda: tiff({258: (3, 2**24, 8)}, bytes(2**25)), METADATA),
    "a large tile": (
        lambda: tiff({259: 8, 322: 2**14, 323: 2**14, 324: 8, 325: len(BOMB)}, BOMB),
        "tiles of more than 50 megapixels",
    ),
    "a tile as wide as a text": (lambda: tiff({259: 8, 322: (2, 4, 0x333231), 323: 2**31, 324: 8}), "tiles of more"),
    "strips missing": (lambda: tiff({278: 5}), "lacks some of its strips or tiles"),
    "many pixels in JPEG": (lambda: plain("TIFF", size=(4000, 3000), compression="jpeg"), "more than 10 megapixels"),
    "many pixels in LZMA": (lambda: tiff({256: 8192, 257: 2049, 259: 34925}), "more than 16 megapixels"),
    "damaged pixels": (lambda: tiff({259: 8}), "damaged or unreadable: "),
    "an unknown compression": (lambda: tiff({259: 65000}), UNKNOWN),
    "many samples": (lambda: tiff({277: 2**31}), UNKNOWN),
    "no height": (lambda: tiff({257: 0}), UNKNOWN),
}
JPEGS: Contents = {
    "a line too much": (lambda: scanned((8192, 8193), 1), "more than 67 megapixels"),
    "a hundred scans and one": (lambda: scanned((64, 64), 101), "101 scans, too many for its size"),
    "ten thousand scans": (lambda: scanned((64, 64), 10_000), PIECES),
    "many scans for its size": (lambda: scanned(LARGEST, 25), "25 scans, too many for its size"),
    "scans behind what looks like an end": (
        lambda: scanned((64, 64), 101).replace(b"\xff\xda", segment(0xE5, b"\xff\xd9") + b"\xff\xda"),
        "101 scans, too many for its size",
    ),
    "arithmetic coding": (lambda: scanned((64, 64), 1, frame=0xCA), "coded arithmetically"),
    "no height": (lambda: scanned((64, 0), 1), UNKNOWN),
    "junk between its segments": (lambda: jpeg(segment(0xE5), bytes(300_000)), PIECES),
    "filling bytes at its end": (lambda: jpeg(end=b"\xff" * 10 * MEGABYTE), PIECES),
    "empty segments": (lambda: jpeg(segment(0xE5) * 5000), PIECES),
    "twenty megabytes of EXIF": (lambda: jpeg(segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 300), METADATA),
}
OTHERS: Contents = {
    "GIF with a line too much": (
        lambda: sized(plain("GIF"), b"GIF87a", struct.pack("<HH", 8192, 6145)),
        "50 megapixels",
    ),
    "GIF that ends early": (lambda: plain("GIF", size=(99, 99))[:-20], "damaged or unreadable: "),
    "PPM with a line too much": (lambda: b"P6 8192 6145 255\n" + bytes(99), "more than 50 megapixels"),
    "PPM of texts, and a line too much": (lambda: b"P3 1024 1025 255\n1 2 3", "more than 1 megapixels"),
    "PPM of odd numbers, and a line too much": (lambda: b"P6 1024 1025 7\n" + bytes(99), "more than 1 megapixels"),
    "PPM of comments": (lambda: b"P3 9 9 255\n" + b"#\n" * 500_000, PIECES),
    "PPM whose header has no end": (lambda: b"P6 #" + bytes(MEGABYTE), PIECES),
    "AVIF with a line too much": (lambda: sized(plain("AVIF"), ISPE, struct.pack(">II", 8192, 4097)), "33 megapixels"),
    "AVIF that ends early": (lambda: plain("AVIF", size=(99, 99))[:-20], "damaged or unreadable: "),
    "AVIF without end": (lambda: plain("AVIF") + bytes(17 * MEGABYTE), "file has more than 16 megabytes"),
    "HEIC with a line too much": (
        lambda: sized(heic((64, 64)), ISPE, struct.pack(">II", 8192, 6145)),
        "more than 50 megapixels",
    ),
    "HEIC that is larger than it says": (
        lambda: sized(heic((512, 512)), ISPE, struct.pack(">II", 9, 9)),
        "imit exceeded",
    ),
    "HEIC that ends early": (lambda: heic()[:-20], "damaged or unreadable: "),
}
REFUSED = {
    f"{kind} with {what}" if kind else what: content
    for kind, contents in {"": OTHER_FORMATS, "PNG": PNGS, "BMP": BITMAPS, "TIFF": TIFFS, "JPEG": JPEGS}.items()
    for what, content in contents.items()
} | OTHERS


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_hostile_file_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    make, reason = REFUSED[name]
    (tmp_path / "image.png").write_bytes(make())
    with pytest.raises(ImageError, match=reason) as refusal:
        read_image(tmp_path / "image.png")
    told = str(refusal.value)
    assert told.isprintable()
    assert len(told) < 300


PLAIN = plain("PNG")
READ: Contents = {
    "a JPEG with an archive behind it": (lambda: plain("JPEG") + b"PK\3\4" + bytes(99), ""),
    "a JPEG with many scans behind it": (lambda: plain("JPEG") + b"\xff\xda\0\2" * 10_000, ""),
    "a JPEG in ten scans": (lambda: plain("JPEG", progressive=True), ""),
    "a JPEG with entities in its XMP": (
        lambda: jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
        "rotated as its EXIF says",
    ),
    "a JPEG whose EXIF leads to itself": (
        lambda: jpeg(exif(ROTATION, (0x8769, 4, 1, 8), (0x8825, 4, 1, 8))),
        "rotated as its EXIF says",
    ),
    "a JPEG turned by a text": (lambda: jpeg(exif((0x0112, 2, 4, 0x363636))), ""),
    "a JPEG turned in a ninth way": (lambda: jpeg(exif((0x0112, 3, 1, 9))), ""),
    "a PNG with a page behind it": (lambda: PLAIN + b"<html><script>alert(1)</script></html>", ""),
    "a PNG of two billion frames": (lambda: PLAIN[:33] + chunk(b"acTL", b"\x7f\xff\xff\xff" * 2) + PLAIN[33:], FRAMES),
    "a BMP with a program behind it": (lambda: plain("BMP") + b"MZ" + bytes(99), ""),
    "a WEBP of ten thousand frames": (lambda: webp((20, 12), 10_000), FRAMES),
    "a GIF whose second frame is damaged": (lambda: plain("GIF")[:-1] + b",\xff", FRAMES),
    "a TIFF whose second page is its first": (lambda: tiff({})[:-4] + tiff({})[4:8], "grey image"),
    "a JPEG with EXIF that ends early": (
        lambda: jpeg(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff")),
        "metadata is damaged: Corrupt EXIF data. Expecting to read 12 bytes but only got 0.",
    ),
    "a JPEG with EXIF that is none": (
        lambda: jpeg(segment(0xE1, b"Exif\0\0" + b"\n\x1b[2J" * 9)),
        r"metadata is damaged: EXIF: not a TIFF file (header b'\n\x1b[2J\n\x1b[' not valid)",
    ),
    "a JPEG with tags that overlap": (
        lambda: jpeg(exif(*[(tag, 7, 300, 0) for tag in range(40)], ROTATION)),
        "rotated as its EXIF says; metadata is damaged: Tag data larger than file. Skipping tag 1",
    ),
    "a PNG with two megabytes of EXIF": (
        lambda: PLAIN[:33] + chunk(b"eXIf", b"II*\0" + bytes(2 * MEGABYTE)) + PLAIN[33:],
        "metadata is damaged: EXIF: more than 1 megabyte",
    ),
    "a JPEG whose second picture is missing": (
        lambda: jpeg(segment(0xE2, b"MPF\0II*\0\x08" + bytes(20))),
        "metadata is damaged: Image appears to be a malformed MPO file, it will be interpreted as a base JPEG file",
    ),
}


@pytest.mark.parametrize("name", list(READ))
def test_an_odd_file_that_holds_an_image_is_read_and_said(name: str, tmp_path: Path) -> None:
    make, note = READ[name]
    (tmp_path / "image.tif").write_bytes(make())
    pixels, told = read_image(tmp_path / "image.tif")
    assert told == note
    assert pixels.shape[2] == 3


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket.jpg"))
        for name in ("pipe.jpg", "zero.jpg", "socket.jpg", "."):
            with pytest.raises(ImageError, match=r"^file is damaged or unreadable: it is a folder, pipe or device$"):
                read_image(tmp_path / name)
    for name, reason in (
        ("loop.jpg", "symbolic links"),
        ("pipe.jpg/a.jpg", "Not a directory"),
        ("a\0.jpg", "null byte"),
    ):
        with pytest.raises(ImageError, match=f"^file is damaged or unreadable: .*{reason}"):
            read_image(tmp_path / name)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PLAIN)
    path.chmod(0)
    user = os.geteuid()
    os.seteuid(user or 65_534)  # the superuser may read everything
    try:
        with pytest.raises(ImageError, match="Permission denied"):
            read_image(path)
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("start", "megabytes"),
    [
        (b"\xff\xd8\xff", 67),
        (b"RIFF", 67),
        (PNG, 134),
        (b"BM", 268),
        (b"II*\0", 268),
        (b"", 268),
        (b"\0\0\0\x1cftypheic", 16),
    ],
)
def test_a_file_of_many_bytes_is_refused_before_it_is_read(start: bytes, megabytes: int, tmp_path: Path) -> None:
    with (tmp_path / "image.jpg").open("wb") as file:
        file.write(start)
        file.truncate(2**40)
    with pytest.raises(ImageError, match=f"^file has more than {megabytes} megabytes$"):
        read_image(tmp_path / "image.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM"])
def test_half_an_image_is_refused_where_the_process_allows_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    content = plain(kind, size=(200, 200))
    with pytest.raises(ImageError, match="damaged"):
        decode_image(content[: len(content) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_the_limits_hold_where_the_process_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImageError, match="image has more than 50 megapixels"):
        decode_image(png((30_000, 40_000), chunk(b"IDAT")))
    assert Image.MAX_IMAGE_PIXELS is None


COSTLY: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: scanned((8192, 8192), 10),
    "PNG": lambda: png(LARGEST, rows(LARGEST, 4), chunk(b"prIv", bytes(120 * MEGABYTE)), colours=6),
    "PNG in 16 bits": lambda: png((8192, 4096), rows((8192, 4096), 8), bits=16, colours=6),
    "BMP": lambda: bmp(LARGEST, bytes(LARGEST[0] * LARGEST[1] * 3)),
    "BMP of runs": lambda: bmp((2048, 2048), b"\1\1\0\0" * 60_000 + b"\0\1", 8, 1),
    "WEBP": lambda: webp((8192, 4096), 1),
    "TIFF": lambda: tiff({256: LARGEST[0], 257: LARGEST[1], 259: 8, 278: LARGEST[1]}, BOMB),
    "TIFF of a large tile": lambda: tiff({258: 16, 259: 8, 322: 8192, 323: 6144, 324: 8, 325: len(BOMB)}, BOMB),
}
GROWTH = """
import os, resource, sys
from pathlib import Path
from froq_lightning.data.images import read_image

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

read_image(Path(sys.argv[1]))
for name in sys.argv[2:]:
    if os.fork():
        os.wait()
    else:
        before = peak()
        pixels, _ = read_image(Path(name))
        print(Path(name).stem, round(peak() - before), sep=": ", flush=True)
        os._exit(0)
"""


@pytest.mark.slow
def test_the_most_costly_files_take_less_than_a_gigabyte(tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(PLAIN)
    for name, make in COSTLY.items():
        (tmp_path / f"{name}.png").write_bytes(make())
    names = [tmp_path / f"{name}.png" for name in COSTLY]
    command = [sys.executable, "-c", GROWTH, tmp_path / "small.png", *names]
    child = subprocess.run(command, capture_output=True, text=True, check=True, timeout=280)
    megabytes = dict(line.split(": ") for line in child.stdout.splitlines())
    assert list(megabytes) == list(COSTLY)
    assert {name: most for name, most in megabytes.items() if int(most) > 800} == {}
