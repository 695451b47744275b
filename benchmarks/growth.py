"""Time and memory of `predict`, `validate` and `test` by the number of images.

    python benchmarks/growth.py [--images 10000 100000 1000000] [--verb predict validate test] [--folder DIR]

Every run is a whole `froq` process over tar files of made-up crops of faces, whose index is not there yet, with one
process that reads beside it. The network is so small that reading and froq's own work are most of what a run takes.
`validate` observes every layer and is given labels; `test` compares two methods over all mated trials of subjects with
5 images, and as many non-mated ones. Prints a table in Markdown: seconds; milliseconds an image, start included, and
their ratio to the bare pass of the network, timed before the run; the peak resident memory of the largest process. A
million images take 6 GB of disk, in `--folder`.
"""

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
from passes import bare
from peak_memory import QUIET, measured
from stopwatch import timed
from synthetic_faces import IN_A_SHARD, SIZE, SyntheticFaces, tiny_network

VERBS = ("predict", "validate", "test")
BATCH = 64


class Growth:
    """Runs of one network over more and more of the same images.

    Args:
        folder: for everything that is written.
        most: how many images there are.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.faces = SyntheticFaces.write(folder / "all", most)
        self.network = tiny_network(folder)
        self.module = self.network.laid_out()
        self.observer = folder / "observer.json"
        self.run("validate", IN_A_SHARD, self.observer)

    def run(self, verb: str, images: int, output: Path) -> tuple[float, float]:
        """Run a verb over the first images; return its seconds and the peak of memory in MB."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            return measured(*self.command(verb, self.faces.first(images, Path(name, "source")), output, Path(name)))

    def command(self, verb: str, faces: SyntheticFaces, output: Path, folder: Path) -> list[str]:
        """Return the arguments of `froq`; the index of the faces will lie in the folder."""
        source = (f"--data.source={faces.folder}", f"--data.batch_size={BATCH}", "--data.workers=1")
        common = (*self.network.arguments(), *source, f"--output={output}", f"--trainer.default_root_dir={folder}")
        return [verb, *common, *self.options(verb, faces, folder), *QUIET]

    def options(self, verb: str, faces: SyntheticFaces, folder: Path) -> Sequence[str]:
        """Return what the verb wants besides network, source and output."""
        if verb == "validate":
            labels = folder / "labels.csv"
            with labels.open("w", encoding="utf-8", newline="") as file:
                rows = ((name, number * 7919 % 1000 / 1000) for number, name in enumerate(faces.names()))
                csv.writer(file).writerows([("path", "pseudo_quality"), *rows])
            return f"--data.labels={labels}", "--report=false"
        given = f"--model.observer={self.observer}"
        if verb == "predict":
            return (given,)
        return given, "--model.methods=[froq,random]", "--model.metrics.conventions=[froq]", "--report=false"

    def bare_milliseconds(self) -> float:
        """Return what a bare pass takes an image: the median of 9 runs over one batch."""
        batch = torch.zeros((BATCH, 3, SIZE, SIZE), dtype=torch.uint8)
        (seconds,) = timed(lambda: bare(self.module, batch, BATCH), runs=9)
        return median(seconds) / BATCH * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--verb", nargs="+", choices=VERBS, default=VERBS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print(f"| verb | images | s | ms an image | to the bare pass | peak MB |\n|{'---|' * 6}", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        growth = Growth(Path(name), max(options.images))
        for verb in options.verb:
            for images in options.images:
                bare_pass = growth.bare_milliseconds()
                seconds, megabytes = growth.run(verb, images, Path(name, f"{verb}-{images}"))
                each = seconds / images * 1000
                figures = f"{seconds:,.0f} | {each:.2f} | {each / bare_pass:.2f} | {megabytes:,.0f}"
                print(f"| {verb} | {images:,} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
