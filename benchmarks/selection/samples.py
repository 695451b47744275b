"""How good an Observer is that was calibrated on a random draw, plain or stratified?

    python benchmarks/selection/samples.py --shared DIR --tables FOLDER [--part choose|report] [--draws 10]

The archive holds the faces to calibrate on, as they are, or a tenth of them as small files, 16 to 63 pixels wide. The
draws are those of `froq validate --data.sample`, with its default labels and rule; the tables are those of compare.py.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from bench import Bench
from candidates import Draw, mated, scorer
from pictures import degraded
from PIL import Image
from tables import Faces, make_tables, observed, options
from trials import mean_pauc

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.calibration.correlation import spearman
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_sampling import ImageSampling, Strata
from froq_lightning.methods.auto_labels import AutoLabels
from froq_lightning.sources.source import read_faces

NETWORK = "edgeface_xxs"
SIZES = (100, 360, 1000)
# What is drawn by, and how many images of a subject.
DRAWS: tuple[tuple[Strata | None, int], ...] = (
    (None, 0),
    *(("subject", number) for number in (2, 3, 4, 6)),
    ("size", 0),
)
SMALL_SHARE, SMALLEST, LARGEST = 0.1, 16, 64
Floats = npt.NDArray[np.float64]


def make_archive(shared: Path, folder: Path, bench: Bench, *, with_small: bool) -> npt.NDArray[np.int64]:
    """Write the faces to calibrate on into a folder, unless it exists; return the positions of small ones."""
    draw = np.random.default_rng(0)
    small = np.sort(draw.choice(bench.pool, round(SMALL_SHARE * len(bench.pool)), replace=False))
    sides = dict(
        zip(small.tolist(), (SMALLEST * (LARGEST / SMALLEST) ** draw.random(len(small))).astype(int), strict=True)
    )
    for place in bench.pool.tolist() if not folder.exists() else ():
        name = bench.faces.names[place]
        source, path = shared / "data" / "faces" / name, folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if with_small and place in sides:
            with Image.open(source) as image:
                image.resize((sides[place], sides[place]), Image.Resampling.BICUBIC).save(path, quality=95)
        else:
            path.symlink_to(source)
    return small if with_small else small[:0]


def observe_small(shared: Path, folder: Path, bench: Bench, small: npt.NDArray[np.int64]) -> None:
    """Put what the network shows of small images, and of degraded copies of them, into the tables."""
    if not len(small):
        return
    name, given = options(shared)[NETWORK]
    backbone = create_backbone(name, **given)
    keys = {bench.faces.names[place]: place for place in small.tolist()}
    images = [image for image in read_faces(folder).images if image.key in keys]
    dataset = FaceDataset(images, backbone.preprocessing, resize=True)
    crops = torch.stack([crop for place in range(len(dataset)) if (crop := dataset[place].image) is not None])
    rows = [keys[image.key] for image in images]
    for part, pixels in {"clean": crops, "copies": degraded(crops, 10)}.items():
        for what, values in observed(backbone, pixels, altered=part == "clean").items():
            if what != "order":
                bench.tables[part][what][rows] = values


def calibrated(bench: Bench, rows: npt.NDArray[np.int64], *, copies: bool) -> tuple[Floats, str]:
    """Score clean and degraded images by the Observer that the default makes of some images, and of a copy of each."""
    tables, samples = bench.tables, [("clean", rows), *([("copies", rows)] if copies else [])]
    own = torch.cat([torch.from_numpy(tables[part]["embeddings"][rows]) for part, _ in samples])
    versions = torch.from_numpy(tables["clean"]["versions"][rows]).repeat(len(samples), 1)
    originals = torch.arange(len(rows)).repeat(len(samples))
    subjects = torch.from_numpy(bench.faces.subjects[rows])[originals]
    kept = torch.cat([torch.nn.functional.normalize(own, dim=1), versions], dim=1)
    labels = AutoLabels().label(kept, subjects, originals)
    draw = Draw.of(tables, samples, labels.labels.float(), bench.faces.subjects)
    score = scorer("ridge", draw, bench.columns)
    return np.concatenate([score(tables[part]["norms"]) for part in ("clean", "degraded")]), labels.facts["method"]


def evaluated(bench: Bench) -> tuple[npt.NDArray[np.int64], torch.Tensor]:
    """Return positions and labels of the clean and degraded images that are evaluated: similarity to clean mates."""
    rows = np.flatnonzero((bench.faces.part == bench.part) & bench.found)
    labels = mated(bench.tables, [("clean", rows), ("degraded", rows)], bench.faces.subjects)
    return np.concatenate([rows, rows + len(bench.faces.names)]), labels


def compared(bench: Bench, archive: Path, draws: int, *, copies: bool) -> Iterator[str]:
    """Yield a row of the table for every way to draw."""
    places = {name: place for place, name in enumerate(bench.faces.names)}
    images, trials = read_faces(archive).images, bench.trials()
    rows, labels = evaluated(bench)
    # Without copies, fewer images have too few mates for the labels.
    for size in (size for size in SIZES if (0 if copies else SIZES[0]) < size < len(images)):
        for stratify, number in DRAWS:
            figures, kinds, counts = [], set(), []
            for seed in range(draws):
                drawn = ImageSampling(size, stratify, seed, number or 4).draw(images).images
                quality, kind = calibrated(bench, np.array([places[image.key] for image in drawn]), copies=copies)
                known = labels.isfinite()
                rho = spearman(torch.from_numpy(quality[rows])[known, None], labels[known])
                figures.append((mean_pauc(quality, trials), float(rho)))
                kinds.add(kind)
                counts.append(len(drawn))
            (pauc, rho), (pauc_spread, rho_spread) = np.mean(figures, axis=0), np.std(figures, axis=0)
            how = f"{stratify or 'plain'}{f', {number} each' if number else ''}"
            cells = [archive.name, "1" if copies else "0", str(round(np.mean(counts))), how, " or ".join(sorted(kinds))]
            cells += [f"{pauc:.3f} ± {pauc_spread:.3f}", f"{rho:.3f} ± {rho_spread:.3f}"]
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Table, draw, calibrate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--part", choices=["choose", "report"], default="choose")
    parser.add_argument("--draws", type=int, default=10)
    options_ = parser.parse_args()
    make_tables(options_.shared, options_.tables, NETWORK)
    print("| archive | copies | images | draw | labels | pAUC | Spearman's rho |\n|---|---|---|---|---|---|---|")
    for name, with_small in {"as it is": False, "a tenth small": True}.items():
        bench = Bench.read(options_.tables, NETWORK, Faces.of(options_.shared), options_.part)
        archive = options_.tables / f"archive-{options_.part}" / name
        small = make_archive(options_.shared, archive, bench, with_small=with_small)
        observe_small(options_.shared, archive, bench, small)
        for copies in (True, False):
            for row in compared(bench, archive, options_.draws, copies=copies):
                print(row, flush=True)


if __name__ == "__main__":
    main()
