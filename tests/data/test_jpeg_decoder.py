"""JPEG files have the pixels that Pillow gives them, whatever decodes them."""

import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.images import decode_image
from froq_lightning.data.jpeg_decoder import decode_jpeg, simplejpeg_decoder

NOTES = {"RGB": "", "L": "grey image", "CMYK": "converted from CMYK"}


def encoded(mode: str = "RGB", size: tuple[int, int] = (61, 45), **options: object) -> bytes:
    noise = np.random.default_rng(0).integers(0, 90, (size[1], size[0], 3), dtype=np.uint8)
    ramp = np.linspace(0, 160, size[0], dtype=np.uint8)[None, :, None]
    file = BytesIO()
    Image.fromarray(noise + ramp).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow(content: bytes) -> Pixels:
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def decoded(content: bytes) -> Pixels | None:
    with Image.open(BytesIO(content)) as image:
        return decode_jpeg(image, content)


@pytest.mark.parametrize("mode", list(NOTES))
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(61, 45), (112, 112), (1, 7), (16, 1)])
def test_a_jpeg_file_has_the_pixels_that_pillow_gives(
    mode: str, subsampling: str, progressive: bool, size: tuple[int, int]
) -> None:
    content = encoded(mode, size, subsampling=subsampling, progressive=progressive)
    pixels, note = decode_image(content)
    np.testing.assert_array_equal(pixels, by_pillow(content))
    assert note == NOTES[mode]
    assert pixels.flags.writeable


def test_real_faces_have_the_pixels_that_pillow_gives(shared: Path) -> None:
    for path in sorted((shared / "data/faces").glob("*/*.jpg"))[:50]:
        np.testing.assert_array_equal(decode_image(path.read_bytes())[0], by_pillow(path.read_bytes()))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_simplejpeg_decodes_ordinary_files_where_it_is_installed(mode: str) -> None:
    pytest.importorskip("simplejpeg")
    pixels = decoded(encoded(mode))
    assert pixels is not None
    np.testing.assert_array_equal(pixels, by_pillow(encoded(mode)))


def test_files_of_other_kinds_are_left_to_pillow() -> None:
    file = BytesIO()
    Image.new("RGB", (9, 9)).save(file, "PNG")
    for content in (file.getvalue(), encoded("CMYK"), encoded(size=(2048, 2049)), encoded()[:-40], encoded()[:-2]):
        assert decoded(content) is None


@given(place=st.integers(0, 5000), value=st.integers(0, 255))
def test_a_changed_byte_changes_what_pillow_reads_or_nothing(place: int, value: int) -> None:
    content = bytearray(encoded())
    content[640 + place % (len(content) - 640)] = value
    pixels = decoded(bytes(content))
    if pixels is not None:
        np.testing.assert_array_equal(pixels, by_pillow(bytes(content)))


def test_a_decoder_that_gives_other_pixels_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("simplejpeg")
    other.decode_jpeg = lambda content: by_pillow(content) ^ 1  # type: ignore[attr-defined]
    simplejpeg_decoder.cache_clear()
    monkeypatch.setitem(sys.modules, "simplejpeg", other)
    try:
        assert decoded(encoded()) is None
        np.testing.assert_array_equal(decode_image(encoded())[0], by_pillow(encoded()))
    finally:
        simplejpeg_decoder.cache_clear()
