import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from froq_lightning.data import images
from froq_lightning.data.images import is_image, read_image
from froq_lightning.errors import ImageError

ORIENTATION = 0x0112


@pytest.fixture
def colours() -> Image.Image:
    """40 pixels wide, 30 high, another colour in every corner."""
    pixels = np.zeros((30, 40, 3), dtype=np.uint8)
    pixels[:15, :20], pixels[:15, 20:], pixels[15:, :20] = (200, 30, 30), (30, 200, 30), (30, 30, 200)
    return Image.fromarray(pixels)


# Of each orientation: what was done to the upright pixels before they were stored.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", list(STORED))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "AVIF", "HEIF"])
def test_pixels_come_upright_whatever_exif_says(kind: str, orientation: int, colours: Image.Image) -> None:
    upright, exif = np.asarray(colours), Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    if kind == "HEIF":
        pillow_heif.from_pillow(stored).save("camera", exif=exif.tobytes())
    else:
        stored.save("camera", kind, exif=exif)
    pixels, note = read_image(Path("camera"))
    assert np.abs(pixels.astype(int) - upright).mean() <= (0 if kind == "PNG" else 8)
    if kind in ("PNG", "JPEG"):  # the decoders of the others turn them
        assert note == ("" if orientation == 1 else "rotated as its EXIF says")


@pytest.mark.parametrize("kind", ["png", "pgm"])
def test_sixteen_bits_of_grey_become_eight(kind: str) -> None:
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    if kind == "png":
        Image.fromarray(grey * 257).save("wide.png")
    else:
        Path("wide.pgm").write_bytes(b"P5 16 16 65535\n" + (grey * 257).astype(">u2").tobytes())
    pixels, note = read_image(Path(f"wide.{kind}"))
    np.testing.assert_array_equal(pixels, np.repeat(grey[..., None], 3, axis=2).astype(np.uint8))
    assert note == "16-bit grey, scaled to 8 bits"


@pytest.mark.parametrize(("mode", "note"), [("RGB", ""), ("L", "grey image"), ("1", "grey image"), ("P", "")])
def test_other_modes_become_the_rgb_they_stand_for(mode: str, note: str, colours: Image.Image, tmp_path: Path) -> None:
    stored = colours.convert(mode)
    stored.save(tmp_path / "image.png")
    pixels, remark = read_image(tmp_path / "image.png")
    np.testing.assert_array_equal(pixels, np.asarray(stored.convert("RGB")))
    assert remark == note


@pytest.mark.parametrize("orientation", [1, 6, 7])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P", "I;16"])
def test_pixels_do_not_depend_on_how_many_are_converted_at_once(
    mode: str, orientation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    wide = Image.fromarray(noise.view(np.uint16)[..., 0])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    (wide if mode == "I;16" else Image.fromarray(noise).convert(mode)).save(tmp_path / "image.png", exif=exif)
    at_once = read_image(tmp_path / "image.png")
    monkeypatch.setattr(images, "BAND", 7 * 40)
    in_bands = read_image(tmp_path / "image.png")
    np.testing.assert_array_equal(in_bands[0], at_once[0])
    assert in_bands[1] == at_once[1]


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparency_shows_black(mode: str) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([250, 250, 250, 10, 200, 10])
    image.paste(0, (0, 0, 2, 4))
    image.info["transparency"] = 0
    image.convert(mode).save("cut.png")
    pixels, note = read_image(Path("cut.png"))
    assert (pixels[0, 0].tolist(), pixels[0, 3].tolist()) == ([0, 0, 0], [10, 200, 10])
    assert note == "transparency put on black"


def test_printing_colours_are_converted(colours: Image.Image, tmp_path: Path) -> None:
    colours.convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    pixels, note = read_image(tmp_path / "print.jpg")
    assert np.abs(pixels.astype(int) - np.asarray(colours)).mean() < 12
    assert note == "converted from CMYK"


def test_an_absurdly_large_image_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colours: Image.Image
) -> None:
    colours.save(tmp_path / "image.png")
    for most in (1000, 500):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(ImageError, match="image has more than 0 megapixels"):
            read_image(tmp_path / "image.png")


@pytest.mark.parametrize("kind", ["GIF", "PPM", "AVIF", "HEIC", "DIB"])
def test_other_kinds_of_images_are_told_by_their_content(kind: str, colours: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    if kind == "HEIC":
        pillow_heif.from_pillow(colours).save(path)
    else:
        colours.save(path, "BMP" if kind == "DIB" else kind)
    pixels, note = read_image(path)
    assert np.abs(pixels.astype(int) - np.asarray(colours)).mean() < 8
    assert note == ""
    assert is_image(path)


def test_heic_without_its_extra_names_the_extra(
    colours: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow_heif.from_pillow(colours).save(tmp_path / "phone.jpg", format="HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"^HEIC images need pillow-heif: pip install 'froq-lightning\[heif\]'$"):
        read_image(tmp_path / "phone.jpg")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "AVIF", "PNG", "TIFF"])
def test_the_first_of_several_frames_is_read_and_said(kind: str, colours: Image.Image, tmp_path: Path) -> None:
    colours.save(tmp_path / "moving", kind, save_all=True, append_images=[colours.rotate(180)])
    pixels, note = read_image(tmp_path / "moving")
    assert np.abs(pixels.astype(int) - np.asarray(colours)).mean() < 8
    assert note == "several frames, took the first"


def test_a_photograph_with_a_preview_is_one_image(colours: Image.Image, tmp_path: Path) -> None:
    colours.save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[colours.resize((8, 6))])
    assert read_image(tmp_path / "phone.jpg")[1] == ""


def test_grey_of_more_than_sixteen_bits_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0.5, dtype=np.float32)).save(tmp_path / "wide.tif")
    with pytest.raises(ImageError, match=r"^pixels are neither of 8 nor of 16 bits$"):
        read_image(tmp_path / "wide.tif")
