"""The images that labels and rules of selection are compared on, as crops of the size that a network wants."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.degradations import KINDS
from froq_lightning.data.images import read_image


def names_of(shared: Path) -> list[str]:
    """Names of the faces, `subject/image.jpg`."""
    folder = shared / "data" / "faces"
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))


def image_sets(shared: Path, backbone: Backbone) -> dict[str, Tensor]:
    """Read and degrade everything: `[N, 3, H, W]` uint8 by the name of the set.

    `clean`, `degraded` and `copies` go through the same faces: as they are, degraded by others (trials are made of
    these), and degraded by this tool (calibration is). `calibration` holds other subjects, one image each, every second
    one degraded; `calibration_copies` are copies of them.
    """
    data, names = shared / "data", names_of(shared)
    others = sorted(path.name for path in (data / "calibration").glob("*.jpg"))
    if backbone.preprocessing.alignment == "dlib":
        clean, calibration = (
            _chips(data / "photos", names, backbone),
            _chips(data / "calibration_photos", others, backbone),
        )
        calibration[1::2] = degraded(calibration[1::2], 7, ("blur", "downscale", "noise", "jpeg"))
        harmed = _as_stated(shared, names, clean)
    else:
        clean, harmed = _crops(data / "faces", names), _crops(data / "faces_degraded", names)
        calibration = _crops(data / "calibration", others)
    return {
        "clean": clean,
        "degraded": harmed,
        "copies": degraded(clean, 10),
        "calibration": calibration,
        "calibration_copies": degraded(calibration, 20),
    }


def degraded(images: Tensor, seed: int, kinds: Iterable[str] = tuple(KINDS)) -> Tensor:
    """Degrade every image in one way, of a severity drawn from 0.1 to 1."""
    drawn_from, result = list(kinds), torch.empty_like(images)
    for index, image in enumerate(images):
        draw = np.random.default_rng([seed, index])
        kind = drawn_from[int(draw.integers(len(drawn_from)))]
        severity = float(draw.uniform(0.1, 1.0))
        result[index] = KINDS[kind](image, severity, torch.Generator().manual_seed(index + seed))
    return result


def _crops(folder: Path, names: list[str]) -> Tensor:
    return torch.stack([torch.from_numpy(read_image(folder / name)[0].copy()).permute(2, 0, 1) for name in names])


def _chips(folder: Path, names: list[str], backbone: Backbone) -> Tensor:
    """Cut faces out of photographs; where none is found, the chip is black."""
    size = backbone.preprocessing.size
    aligner = create_aligner("dlib", "dlib", size)
    images = torch.zeros(len(names), 3, *size, dtype=torch.uint8)
    for place, name in zip(images, names, strict=True):
        face = aligner(read_image(folder / name)[0])
        if face is not None:
            place.copy_(torch.from_numpy(face.image.copy()).permute(2, 0, 1))
    return images


def _as_stated(shared: Path, names: list[str], images: Tensor) -> Tensor:
    """Degrade images in the ways that `degradations.csv` states, with the functions of this tool."""
    with (shared / "data" / "degradations.csv").open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    result = torch.empty_like(images)
    for index, (name, image) in enumerate(zip(names, images, strict=True)):
        kind, severity = rows[name]["kind"], float(rows[name]["severity"])
        draws = torch.Generator().manual_seed(index)
        if kind == "mixed":
            for part in ("downscale", "noise", "jpeg"):
                image = KINDS[part](image, severity / 2, draws)  # noqa: PLW2901
            result[index] = image
        else:
            result[index] = KINDS["downscale" if kind == "resolution" else kind](image, severity, draws)
    return result
