"""Peak resident memory of `validate`, `predict` and `test` by the number of images.

    python benchmarks/memory.py --shared DIR [--network NAME ...] [--images 500 5000] [--verb validate|predict|test ...]

Each run is a whole `froq` process over files, of which each may stand for many images (symbolic links). `test` compares
each image with the next one. Prints a table in Markdown.
"""

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

from networks import Network, faces, networks
from peak_memory import froq

VERBS = ("validate", "predict", "test")
TRIALS = 2_000


def arguments(verb: str, folder: Path, files: list[Path], count: int) -> list[str]:
    """Lay out `count` images and return the options that the verb wants for them."""
    images = folder / "images"
    images.mkdir()
    names = [f"{index:06}.jpg" for index in range(count)]
    for index, name in enumerate(names):
        (images / name).symlink_to(files[index % len(files)])
    if verb == "validate":
        labels = [(name, (index * 7919) % 1000 / 1000) for index, name in enumerate(names)]
        write(folder / "labels.csv", ("path", "pseudo_quality"), labels)
        return [f"--data.source={images}", f"--data.labels={folder}/labels.csv", "--report=false"]
    if verb == "predict":
        return [f"--data.source={images}", f"--model.observer={folder}/observer.json"]
    pairs = [(names[index], names[(index + 1) % count], index % 2) for index in range(count)]
    write(folder / "pairs.csv", ("image_a", "image_b", "mated"), [*pairs, *pairs[: max(0, TRIALS - count)]])
    options = [f"--data.source={folder}/pairs.csv", f"--data.root={images}", "--report=false"]
    return [*options, f"--model.observer={folder}/observer.json", "--model.metrics.conventions=[froq]"]


def write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def peak(network: Network, verb: str, files: list[Path], count: int) -> float:
    """Peak memory of a verb over some images, in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = [*network.arguments(), "--data.resize=true"]
        if verb != "validate":
            (folder / "few").mkdir()
            calibrating = arguments("validate", folder / "few", files, 20)
            froq("validate", *model, *calibrating, f"--output={folder}/observer.json")
        return froq(verb, *model, *arguments(verb, folder, files, count), f"--output={folder}/output")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--network", nargs="*", default=["edgeface_xxs", "mobilefacenet", "dlib_resnet29"])
    parser.add_argument("--images", nargs="*", type=int, default=[500, 5_000])
    parser.add_argument("--verb", nargs="*", choices=VERBS, default=VERBS)
    options = parser.parse_args()
    print(f"| network | verb | {' | '.join(f'peak MB at {count:,}' for count in options.images)} | last / first |")
    print(f"|---|---|{'---|' * len(options.images)}---|", flush=True)
    every, files = networks(options.shared), faces(options.shared)
    for name in options.network:
        for verb in options.verb:
            peaks = [peak(every[name], verb, files, count) for count in options.images]
            cells = " | ".join(f"{one:.0f}" for one in peaks)
            print(f"| {name} | {verb} | {cells} | {peaks[-1] / peaks[0]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
