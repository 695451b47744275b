"""An image file takes bounded time and memory, whatever it says of itself; and only files are read."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from image_bytes import BOMB, LARGEST, MEGABYTE, PNG, bmp, chunk, plain, png, rows, scanned, tiff, webp
from PIL import Image, ImageFile

from froq_lightning.data.images import decode_image, read_image
from froq_lightning.errors import ImageError


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
    path.write_bytes(plain("PNG"))
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
    (tmp_path / "small.png").write_bytes(plain("PNG"))
    for name, make in COSTLY.items():
        (tmp_path / f"{name}.png").write_bytes(make())
    names = [tmp_path / f"{name}.png" for name in COSTLY]
    command = [sys.executable, "-c", GROWTH, tmp_path / "small.png", *names]
    child = subprocess.run(command, capture_output=True, text=True, check=True, timeout=280)
    megabytes = dict(line.split(": ") for line in child.stdout.splitlines())
    assert list(megabytes) == list(COSTLY)
    assert {name: most for name, most in megabytes.items() if int(most) > 800} == {}
