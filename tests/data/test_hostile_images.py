"""Image files that strangers made: each is read, or refused with a reason."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from image_bytes import (
    BOMB,
    FRAME,
    ISPE,
    LARGEST,
    MEGABYTE,
    ROTATION,
    XMP,
    bmp,
    chunk,
    exif,
    heic,
    jpeg,
    plain,
    png,
    rows,
    scanned,
    segment,
    sized,
    tiff,
    webp,
)

from froq_lightning.data.images import read_image
from froq_lightning.errors import ImageError

UNKNOWN = "no image of a known format"
METADATA = "more than 16 megabytes of metadata"
PIECES = "image is in too many pieces"
FRAMES = "several frames, took the first"
Contents = dict[str, tuple[Callable[[], bytes], str]]

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
