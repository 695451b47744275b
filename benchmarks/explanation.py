"""Whether the map of what pulls a score down finds an occluder: the pointing game (Zhang et al., ECCV 2016).

    python benchmarks/explanation.py --shared DIR [--networks edgeface_xxs mobilefacenet] [--every 1] [--half 1]

Each network is calibrated on the calibration set in DIR first. Then the occluded images of `faces_degraded/` of every
other subject are explained; a hit is a map whose largest value lies inside the occluder, with no tolerance. Where that
lies is read from the difference to the crop in `faces/`. Other occluders take its place in that crop: grey, white, the
colour of the skin, noise, and a piece of another image. Prints a table in Markdown: hits on all images and by
severity, of the middle of the image, of a random point, and the share of images whose score the occluder
lowers at all: on the others no map of what pulls the score down can find it.
"""

import argparse
import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from networks import Network, networks
from torch import Tensor

from froq_lightning.cli import main as froq
from froq_lightning.data.images import read_image
from froq_lightning.scorer import QualityScorer

BINS = ((0.0, 0.3), (0.3, 0.6), (0.6, 1.0))  # of severity
CHANGED = 24  # grey levels; JPEG changes fewer
Box = tuple[slice, slice]


@dataclass(frozen=True)
class Face:
    """A crop, its occluded version, both `[3, 112, 112]` uint8, and where and how severe the occluder is."""

    clean: Tensor
    occluded: Tensor
    box: Box
    severity: float


def faces(data: Path, half: int, every: int) -> list[Face]:
    """Read the occluded images of every other subject, from the first (0) or the second (1) on."""
    with (data / "degradations.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "occlusion"]
    subjects = sorted({Path(row["image"]).parent.name for row in rows})
    chosen = [row for row in rows if subjects.index(Path(row["image"]).parent.name) % 2 == half][::every]
    return [_face(data, row["image"], float(row["severity"])) for row in chosen]


def _face(data: Path, name: str, severity: float) -> Face:
    clean, occluded = (
        torch.tensor(read_image(data / folder / name)[0]).permute(2, 0, 1) for folder in ("faces", "faces_degraded")
    )
    changed = ((clean.int() - occluded.int()).abs().amax(0) > CHANGED).float()
    extents = [_extent(changed.mean(dim)) for dim in (1, 0)]
    return Face(clean, occluded, _square(occluded, *extents), severity)


def _extent(shares: Tensor) -> slice:
    inside = (shares > 0.02).nonzero()[:, 0]
    return slice(int(inside.min()), int(inside.max()) + 1)


def _square(image: Tensor, down: slice, across: slice) -> Box:
    """Return the darkest square about what changed: a black occluder on dark hair changes less than it covers."""
    side = max(down.stop - down.start, across.stop - across.start)
    boxes = [
        (slice(top, top + side), slice(left, left + side))
        for top in range(max(down.stop - side, 0), min(down.start, image.shape[1] - side) + 1)
        for left in range(max(across.stop - side, 0), min(across.start, image.shape[2] - side) + 1)
    ]
    return min(boxes, key=lambda box: float(image[:, *box].float().mean()))


def covered(face: Face, patch: Callable[[Tensor, int], Tensor] | None, number: int) -> Tensor:
    """Cover the place of the occluder in another way; None leaves the occluder as it is."""
    if patch is None:
        return face.occluded
    image = face.clean.clone()
    image[:, *face.box] = patch(image[:, *face.box], number).to(torch.uint8)
    return image


def occluders(faces: list[Face]) -> dict[str, Callable[[Tensor, int], Tensor] | None]:
    """Name what covers faces; each function takes what is covered and the number of the face."""

    def noise(place: Tensor, number: int) -> Tensor:
        return torch.randint(0, 256, place.shape, generator=torch.Generator().manual_seed(number))

    def skin(place: Tensor, number: int) -> Tensor:
        middle = faces[number].clean[:, 56:90, 36:76].flatten(1)
        return middle.median(dim=1).values[:, None, None].expand_as(place)

    def piece(place: Tensor, number: int) -> Tensor:
        other = faces[(37 * number + 11) % len(faces)].clean[None, :, 72:, :40].float()
        return torch.nn.functional.interpolate(other, place.shape[1:], mode="bilinear")[0]

    return {
        "black": None,
        "grey": lambda place, _: torch.full_like(place, 90),
        "white": lambda place, _: torch.full_like(place, 255),
        "skin colour": skin,
        "noise": noise,
        "piece of another image": piece,
    }


def hits(scorer: QualityScorer, faces: list[Face], images: Tensor) -> list[bool]:
    """Tell for every face whether the largest value of its map lies inside the occluder."""
    maps = scorer.explain(images)
    points = [divmod(int(place), maps.shape[-1]) for place in maps.flatten(1).argmax(dim=1)]
    return [inside(face.box, *point) for face, point in zip(faces, points, strict=True)]


def inside(box: Box, down: int, across: int) -> bool:
    """Tell whether a pixel lies in a box."""
    return box[0].start <= down < box[0].stop and box[1].start <= across < box[1].stop


def share(values: list[bool], faces: list[Face]) -> str:
    """Write the share of true values in per cent, of all and by severity."""
    cells = []
    for low, high in ((0.0, 1.0), *BINS):
        chosen = [value for value, face in zip(values, faces, strict=True) if low <= face.severity <= high]
        cells.append(f"{100 * sum(chosen) / len(chosen):.1f}" if chosen else "-")
    return " | ".join(cells)


def calibrated(network: Network, shared: Path, folder: Path) -> QualityScorer:
    """Calibrate a network as `froq validate` does by default."""
    observer = folder / "observer.json"
    source = f"--data.source={shared / 'data' / 'calibration'}"
    if froq(["validate", *network.arguments(), source, f"--output={observer}", "--report=false"]):
        raise SystemExit("calibration failed")
    return QualityScorer.from_observer(observer, network.options.get("weights"), device="cpu")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--networks", nargs="*", default=["edgeface_xxs", "mobilefacenet"])
    parser.add_argument("--occluders", nargs="*")
    parser.add_argument("--every", type=int, default=1, help="explain every so many images")
    parser.add_argument("--half", type=int, default=1, help="of the subjects; 0 is the one that choices were made on")
    parsed = parser.parse_args()
    shown = faces(parsed.shared / "data", parsed.half, parsed.every)
    middle = [inside(face.box, 56, 56) for face in shown]
    areas = [[face.box[0].stop - face.box[0].start, face.box[1].stop - face.box[1].start] for face in shown]
    random = sum(down * across for down, across in areas) / len(areas) / 112**2
    print(f"\n{len(shown)} images; middle {share(middle, shown)}; a random point {100 * random:.1f}\n")
    bins = " | ".join(f"{low} .. {high}" for low, high in BINS)
    print(f"| network | occluder | lowers the score | hits | {bins} |\n" + "|---" * 7 + "|")
    for name in parsed.networks:
        with tempfile.TemporaryDirectory() as folder:
            scorer = calibrated(networks(parsed.shared)[name], parsed.shared, Path(folder))
        original = scorer(torch.stack([face.clean for face in shown])).quality_score
        for kind, patch in occluders(shown).items():
            if parsed.occluders is None or kind in parsed.occluders:
                images = torch.stack([covered(face, patch, number) for number, face in enumerate(shown)])
                lowered = float((scorer(images).quality_score < original).double().mean())
                found = share(hits(scorer, shown, images), shown)
                print(f"| {name} | {kind} | {100 * lowered:.1f} | {found} |", flush=True)


if __name__ == "__main__":
    main()
