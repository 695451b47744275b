"""Images whose defects are known: real crops, degraded here and before, with what `froq_lightning.defects` measures."""

import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from froq_dlib.aligner import dlib_aligner
from PIL import Image, ImageFilter

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.cropper import Cropper
from froq_lightning.defects.components import measured
from froq_lightning.errors import ImageError

Random = np.random.Generator
Picture = Image.Image
Resampling = Image.Resampling
# Names of the data set's kinds, and of the defects that they are.
DEFECT_OF = {
    "blur": "blurred",
    "resolution": "low resolution",
    "noise": "noise",
    "jpeg": "compression",
    "dark": "dark",
    "bright": "bright",
    "occlusion": "occluded",
}


@dataclass(frozen=True)
class Example:
    """An image whose kinds of degradation are known.

    Args:
        group: where it comes from.
        kinds: of its degradations; empty where it is clean.
        severity: 0..1.
        is_for_fitting: whether constants are chosen on its subject; the others are held out.
        measurements: of it.
    """

    group: str
    kinds: tuple[str, ...]
    severity: float
    is_for_fitting: bool
    measurements: dict[str, float]


def resolution(image: Picture, draw: Random) -> Picture:
    """Lose resolution: 9 to 54 % of the width stay."""
    return _resolution(image, draw, draw.uniform(0.09, 0.54))


def blur(image: Picture, draw: Random) -> Picture:
    """Blur by a Gaussian of 1.6 to 5 pixels of 112, or by a motion of 7 to 16."""
    scale = image.width / 112
    if draw.random() < 0.66:
        return image.filter(ImageFilter.GaussianBlur(draw.uniform(1.6, 5) * scale))
    length, axis = int(draw.uniform(7, 16) * scale), int(draw.integers(2))
    values = np.moveaxis(np.asarray(image, dtype=np.float64), axis, 0)
    padded = np.pad(values, ((length // 2 + 1, length - length // 2 - 1), (0, 0), (0, 0)), mode="edge")
    sums = np.pad(padded, ((0, 1), (0, 0), (0, 0))).cumsum(axis=0)
    return _picture(np.moveaxis((sums[length:] - sums[:-length])[: len(values)] / length, 0, axis))


def noise(image: Picture, draw: Random) -> Picture:
    """Add noise of 14 to 50 grey levels, in a fifth of the images the same in all channels."""
    return _noise(image, draw, draw.uniform(14, 50))


def jpeg(image: Picture, draw: Random) -> Picture:
    """Compress at quality 4 to 25."""
    return compressed(image, int(draw.uniform(4, 26)))


def dark(image: Picture, draw: Random) -> Picture:
    """Leave 6 to 42 % of the light, with noise of up to 3 grey levels."""
    return _noise(_picture(np.asarray(image) * draw.uniform(0.06, 0.42)), draw, draw.uniform(0, 3))


def bright(image: Picture, draw: Random) -> Picture:
    """Give two to four times the light, or somewhat more and a veil of it."""
    factor, veil = (draw.uniform(2, 4), 0.0) if draw.random() < 0.6 else (draw.uniform(1.4, 2), draw.uniform(40, 90))
    return _picture(np.asarray(image) * factor + veil)


def occlusion(image: Picture, draw: Random) -> Picture:
    """Cover a rectangle of 33 to 65 % of both sides with black, grey, or any one colour."""
    return _covered(image, draw, (0, 90, draw.uniform(0, 255, 3), draw.uniform(0, 255, 3))[int(draw.integers(4))])


def texture(image: Picture, draw: Random) -> Picture:
    """Cover such a rectangle with spots of many colours."""
    spots = Image.fromarray(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize(image.size, Resampling.BICUBIC)
    return _covered(image, draw, np.asarray(spots, dtype=np.float64))


def mild(image: Picture, draw: Random) -> Picture:
    """Degrade in one way so little that there is nothing to name."""
    ways: tuple[Callable[[], Picture], ...] = (
        lambda: _resolution(image, draw, draw.uniform(0.75, 0.97)),
        lambda: image.filter(ImageFilter.GaussianBlur(draw.uniform(0.2, 0.6) * image.width / 112)),
        lambda: _noise(image, draw, draw.uniform(1, 4)),
        lambda: compressed(image, int(draw.uniform(60, 91))),
        lambda: _picture(np.asarray(image) * draw.uniform(0.75, 1.2)),
    )
    return ways[int(draw.integers(len(ways)))]()


def compressed(image: Picture, quality: int) -> Picture:
    """Save as JPEG and read again."""
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


KINDS: dict[str, Callable[[Picture, Random], Picture]] = {
    "resolution": resolution,
    "blur": blur,
    "noise": noise,
    "jpeg": jpeg,
    "dark": dark,
    "bright": bright,
    "occlusion": occlusion,
}
# What may happen to one image, in the order in which it does.
CHAINS = (("resolution", "noise"), ("blur", "noise"), ("blur", "jpeg"), ("dark", "noise"), ("occlusion", "jpeg"))


def is_for_fitting(subject: str) -> bool:
    """Whether the SHA-256 of the subject's name is even."""
    return hashlib.sha256(subject.encode()).digest()[-1] % 2 == 0


def examples(data: Path) -> Iterator[Example]:
    """Yield the crops of `faces/` and `faces_degraded/`, those of `photos/`, and versions of them degraded here."""
    with (data / "degradations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    croppers = {
        name: Cropper(Preprocessing(size, alignment=name), dlib_aligner(name, size))
        for name, size in (("dlib", (150, 150)), ("arcface", (112, 112)))
    }
    for place, row in enumerate(rows):
        draw = np.random.default_rng([7, place])
        fitting = is_for_fitting(row["image"].partition("/")[0])
        face, degraded = (_opened(data / folder / row["image"]) for folder in ("faces", "faces_degraded"))
        yield _example("faces", (), face, fitting)
        yield _example("faces_degraded", (row["kind"],), degraded, fitting, float(row["severity"]))
        yield _example("resized", (), _resized(face, draw), fitting)
        for kind, degrade in KINDS.items():
            version = degrade(_resized(face, draw) if draw.random() < 0.5 else face, draw)
            # Much compression hides how an image was enlarged.
            quality = 95 if kind in ("resolution", "blur") else int(draw.uniform(40, 96))
            version = compressed(version, quality) if draw.random() < 0.5 else version
            yield _example("made here", (kind,), version, fitting, 1)
        yield _example("mild", (), mild(face, draw), fitting)
        yield _example("texture", ("occlusion",), texture(face, draw), fitting, 1)
        chain = CHAINS[place % len(CHAINS)]
        yield _example("chain", chain, KINDS[chain[1]](KINDS[chain[0]](face, draw), draw), fitting, 1)
        if place % 3 == 0:
            yield from _aligned(data / "photos" / row["image"], croppers, draw, fitting=fitting)


def _aligned(path: Path, croppers: dict[str, Cropper], draw: Random, *, fitting: bool) -> Iterator[Example]:
    photograph = np.asarray(_opened(path))
    for name, cropper in croppers.items():
        try:
            crop = cropper(photograph)
        except ImageError:  # no face found
            continue
        yield Example(f"{name} crops", (), 0, fitting, measured(crop.pixels, photograph, crop.face))
        kind = tuple(KINDS)[int(draw.integers(len(KINDS)))]
        version = KINDS[kind](Image.fromarray(crop.pixels), draw)
        yield _example(f"{name} crops, degraded", (kind,), version, fitting, 1)


def _example(group: str, kinds: tuple[str, ...], image: Picture, fitting: bool, severity: float = 0) -> Example:
    return Example(group, kinds, severity, fitting, measured(np.asarray(image)))


def _opened(path: Path) -> Picture:
    return Image.open(path).convert("RGB")


def _resolution(image: Picture, draw: Random, share: float) -> Picture:
    size = max(2, round(image.width * share))
    down, up = (Resampling(int(draw.choice(each))) for each in ((2, 3, 4), (2, 3, 3)))
    return image.resize((size, size), down).resize(image.size, up)


def _resized(image: Picture, draw: Random) -> Picture:
    side = int(draw.choice([96, 128, 150, 160, 224]))
    return image.resize((side, side), Resampling(int(draw.integers(1, 4))))


def _noise(image: Picture, draw: Random, deviation: float) -> Picture:
    channels = 3 if draw.random() < 0.8 else 1
    return _picture(np.asarray(image) + draw.normal(0, deviation, (image.height, image.width, channels)))


def _covered(image: Picture, draw: Random, cover: object) -> Picture:
    values = np.array(image)
    height, width = (int(draw.uniform(0.33, 0.65) * length) for length in values.shape[:2])
    top, left = (
        int(draw.uniform(0.05, 0.95) * (length - part))
        for length, part in zip(values.shape[:2], (height, width), strict=True)
    )
    values[top : top + height, left : left + width] = np.broadcast_to(np.asarray(cover), values.shape)[:height, :width]
    return Image.fromarray(values)


def _picture(values: np.ndarray) -> Picture:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
