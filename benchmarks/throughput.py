"""What keeps the network fed costs: reading a face, handing batches over, and JPEG files to CSV.

    python benchmarks/throughput.py --shared DIR [--only reading batches predict] [--faces 1024] [--runs 5]

`reading`: one face, in microseconds, by each decoder that is installed. `batches`: processor time in microseconds a
face for handing over batches whose images are there already. `predict`: JPEG files to CSV with 0, 1 and 2 reading
processes, and reading alone, as ratios to the bare pass of edgeface_xxs in the same run, of the time that passed, and
of the processor time of all processes, which depends less on what else the machine does.
"""

import argparse
import os
import resource
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from cost import headed
from networks import decoded, faces, networks
from passes import bare, calibrated, trainer
from PIL import Image
from stopwatch import ratio, timed
from torch.utils.data import DataLoader, Dataset

from froq_lightning.callbacks import QualityWriter
from froq_lightning.cli.trainer import quieten
from froq_lightning.data.face_batch import FaceSample, collate
from froq_lightning.data.image_ring import ImageRing
from froq_lightning.data.images import read_image
from froq_lightning.data.jpeg_decoder import simplejpeg_decoder
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.loading import FaceLoader
from froq_lightning.module import FroqModule

SECTIONS = ("reading", "batches", "predict")
WORKERS = (0, 1, 2)
SIZE = (112, 112)


class ReadyFaces(Dataset[FaceSample]):
    """A crop that is there already, as often as wanted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.image = torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> FaceSample:
        return FaceSample(index, f"folder/{index}.jpg", self.image)


def processor_seconds() -> float:
    """Return those of this process, and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def costed(action: Callable[[], object], seconds: list[float]) -> None:
    """Run an action, and note the processor time that it takes."""
    start = processor_seconds()
    action()
    seconds.append(processor_seconds() - start)


def reading(files: Sequence[Path], runs: int) -> None:
    """Print what reading a face takes."""
    import torchvision  # noqa: PLC0415 - timm brings it

    contents = [file.read_bytes() for file in files]
    encoded = [torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in contents]
    actions: dict[str, Callable[[], object]] = {
        "`read_image`": lambda: [read_image(file) for file in files],
        "Pillow": lambda: [Image.open(BytesIO(content)).load() for content in contents],
        "torchvision": lambda: [torchvision.io.decode_jpeg(content) for content in encoded],
    }
    decoder = simplejpeg_decoder()
    if decoder is not None:
        actions["simplejpeg"] = lambda: [decoder(content) for content in contents]
    headed("what", "microseconds a face")
    for name, seconds in zip(actions, timed(*actions.values(), runs=runs), strict=True):
        print(f"| {name} | {1e6 * statistics.median(seconds) / len(files):.0f} |", flush=True)


def exhausted(loader: DataLoader[Any]) -> None:
    """Take all batches, and touch each."""
    for batch in loader:
        batch.images[:, :, ::16].sum()


def batches(count: int, runs: int) -> None:
    """Print what handing batches over takes; starting the processes is part of it."""
    headed("batch", "reading processes", "each in memory of its own", "in slots")
    for size in (32, 256):
        for workers in WORKERS:
            images, ring = ReadyFaces(count), ImageRing((size, 3, *SIZE))
            plain = DataLoader(images, batch_size=size, num_workers=workers, collate_fn=collate)
            slots = FaceLoader(images, batch_size=size, num_workers=workers, collate_fn=ring)
            seconds: list[list[float]] = [[], []]
            actions = [
                partial(costed, partial(exhausted, loader), taken)
                for loader, taken in zip((plain, slots), seconds, strict=True)
            ]
            timed(*actions, runs=runs, warm_ups=0)
            cells = " | ".join(f"{1e6 * statistics.median(taken) / count:.0f}" for taken in seconds)
            print(f"| {size} | {workers} | {cells} |", flush=True)


def predict(module: FroqModule, manifest: Path, workers: int) -> None:
    """Score files as `froq predict` does."""
    data = FaceDataModule(str(manifest), module.preprocessing, workers=workers)
    output = manifest.with_name("scores.csv")
    trainer(accelerator="cpu", callbacks=[QualityWriter(output)]).predict(module, datamodule=data)
    if ",failed," in output.read_text():
        raise SystemExit(f"some files of {manifest} could not be scored")


def prediction(shared: Path, files: list[Path], runs: int) -> None:
    """Print what JPEG to CSV takes."""
    network = networks(shared)["edgeface_xxs"]
    module, images = network.module(), decoded(files, SIZE)
    observer, _ = calibrated(network, images[:64], "cpu")
    with tempfile.TemporaryDirectory() as name:
        manifest = Path(name, "files.csv")
        manifest.write_text("path\n" + "".join(f"{file}\n" for file in files))
        observer.save(Path(name, "observer.json"))
        scoring = network.module(observer=str(Path(name, "observer.json")))
        actions: dict[str, Callable[[], object]] = {
            "bare pass": partial(bare, module, images, 32),
            "reading": partial(decoded, files, SIZE),
            **{f"`predict`, {workers}": partial(predict, scoring, manifest, workers) for workers in WORKERS},
        }
        processor: list[list[float]] = [[] for _ in actions]
        costs = [partial(costed, *pair) for pair in zip(actions.values(), processor, strict=True)]
        passed = timed(*costs, runs=runs)
    headed("what", "ms a face", "ratio to the bare pass", "ratio of processor time")
    for title, taken, used in zip(actions, passed, processor, strict=True):
        milliseconds = 1e3 * statistics.median(taken) / len(files)
        ratios = f"{ratio(taken, passed[0]):.3f} | {ratio(used[-runs:], processor[0][-runs:]):.3f}"
        print(f"| {title} | {milliseconds:.2f} | {ratios} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--faces", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    quieten()
    files = faces(options.shared)[: options.faces]
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if "reading" in options.only:
        reading(files, options.runs)
    if "batches" in options.only:
        batches(8 * options.faces, options.runs)
    if "predict" in options.only:
        prediction(options.shared, files, options.runs)
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
