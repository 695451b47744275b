"""Makes image files that an encoder would not: of any size, with any segments, chunks and tags."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pillow_heif
from PIL import Image

MEGABYTE = 2**20
LARGEST = (8192, 6144)
PNG = b"\x89PNG\r\n\x1a\n"


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
