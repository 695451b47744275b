"""What calibration, labelling and scoring cost, as ratios to the bare forward pass measured in the same run.

    python benchmarks/cost.py --shared DIR [--runs 5] [--network NAME ...] [--only time|memory]

The bare pass is preprocessing and forward of the same network over the same decoded uint8 images, at the same batch
size, in inference mode. Medians of interleaved runs; prints a table in Markdown.
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from froq_lightning.callbacks import QualityWriter
from froq_lightning.cli.trainer import FroqTrainer, quieten
from froq_lightning.data.faces import FaceDataModule
from froq_lightning.data.images import read_image
from froq_lightning.data.records import FaceBatch
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.module import FroqModule

IMAGES = {"dlib_resnet29": 384, "mobilefacenet": 384, "resnet50": 128, "edgeface_xxs": 768}
Models = dict[str, tuple[str, dict[str, Any]]]


class Batches:
    """Decoded images in memory, batch by batch."""

    def __init__(self, images: Tensor, batch_size: int) -> None:
        self.dataset = images
        labels = torch.rand(len(images), generator=torch.Generator().manual_seed(0))
        self.batches = [
            FaceBatch(part, index, [str(i) for i in index.tolist()], [""] * len(part), labels[index])
            for part, index in zip(images.split(batch_size), torch.arange(len(images)).split(batch_size), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Any:
        return iter(self.batches)


def trainer(**options: Any) -> FroqTrainer:
    """Return a Trainer that prints nothing."""
    quiet: dict[str, Any] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "accelerator": "cpu",
    }
    return FroqTrainer(**quiet, enable_model_summary=False, **options)


def bare(module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Run the network over all images and keep nothing."""
    with torch.inference_mode():
        for part in images.split(batch_size):
            module.network(module.backbone.preprocessing(part))


def timed(*actions: Callable[[], object], runs: int) -> list[list[float]]:
    """Run the actions in turn, after one warm-up round; return the seconds of each."""
    seconds: list[list[float]] = [[] for _ in actions]
    for run in range(runs + 1):
        for action, taken in zip(actions, seconds, strict=True):
            start = time.perf_counter()
            action()
            if run:
                taken.append(time.perf_counter() - start)
    return seconds


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """Median of the ratios of neighbouring runs."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def calibration(module: FroqModule, images: Tensor, runs: int) -> tuple[float, float]:
    """Milliseconds of the bare pass per image, and (a): `validate` with given labels against it."""
    batches = Batches(images, 32)
    whole, one = timed(
        lambda: trainer().validate(module, dataloaders=batches, verbose=False),
        lambda: bare(module, images, 32),
        runs=runs,
    )
    return 1e3 * statistics.median(one) / len(images), ratio(whole, one)


def label(labeller: PerturbationQuality, module: FroqModule, images: Tensor) -> None:
    """Label images as `validate` does."""
    with torch.inference_mode():
        labeller.score(module.backbone, images)


def labelling(module: FroqModule, images: Tensor, runs: int) -> float:
    """(b) all perturbations of a few images against 76 bare passes, each at its best batch size."""
    few = images[:8]
    ratios = {}
    for size in (8, 16):
        labeller = PerturbationQuality(micro_batch=size)
        stack = few.repeat(10, 1, 1, 1)[:76]
        labels, passes = timed(
            partial(label, labeller, module, few),
            partial(bare, module, stack, size),
            runs=runs,
        )
        ratios[size] = (statistics.median(passes) / len(stack), statistics.median(labels) / (76 * len(few)))
    best_bare, best = min(value[0] for value in ratios.values()), min(value[1] for value in ratios.values())
    return best / best_bare


def prediction(module: FroqModule, files: list[Path], runs: int) -> float:
    """(c) `predict` from JPEG files to CSV against decoding all files and one bare pass over them."""
    with tempfile.TemporaryDirectory() as name:
        manifest = Path(name, "files.csv")
        manifest.write_text("path\n" + "".join(f"{file}\n" for file in files))

        def predict() -> None:
            data = FaceDataModule(str(manifest), resize=True)
            trainer(callbacks=[QualityWriter(Path(name, "scores.csv"))]).predict(module, datamodule=data)

        def decode_and_run() -> None:
            bare(module, decoded(files, module.backbone.preprocessing.size), 32)

        whole, parts = timed(predict, decode_and_run, runs=runs)
        return ratio(whole, parts)


def decoded(files: list[Path], size: tuple[int, int]) -> Tensor:
    """Read all files as `[N, 3, H, W]` uint8, resized where needed as `data.resize` does."""
    images = []
    for file in files:
        pixels = read_image(file)[0]
        if pixels.shape[:2] != size:
            pixels = np.array(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))
        images.append(torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous())
    return torch.stack(images)


def memory(verb: str, model: list[str], files: list[Path], count: int) -> float:
    """(d) Peak resident memory in MB of a whole `froq` process over `count` files."""
    with tempfile.TemporaryDirectory() as name:
        for index in range(count):
            Path(name, f"{index:05}.jpg").symlink_to(files[index % len(files)])
        with Path(name, "labels.csv").open("w", newline="") as file:
            rows = ((f"{index:05}.jpg", (index * 7919) % 1000 / 1000) for index in range(count))
            csv.writer(file).writerows([("path", "pseudo_quality"), *rows])
        labels = [f"--data.labels={name}/labels.csv"] if verb == "validate" else []
        command = [verb, *model, *labels, f"--data.source={name}", f"--output={name}/out", "--data.resize=true"]
        code = (
            "import resource, sys; from froq_lightning.cli import main; code = main(sys.argv[1:]);"
            "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024); sys.exit(code)"
        )
        run = [sys.executable, "-c", code, *command, "--trainer.enable_progress_bar=false"]
        printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        return float(printed.rsplit("PEAK", 1)[1])


def time_table(models: Models, files: list[Path], runs: int) -> None:
    """Print (a), (b) and (c)."""
    print("| network | bare ms a face | (a) calibrate / bare | (b) label / 76 bare | (c) predict / (bare + decode) |")
    print("|---|---|---|---|---|", flush=True)
    for name, (backbone, options) in models.items():
        module, some = FroqModule(backbone, options), files[: IMAGES[name]]
        images = decoded(some, module.backbone.preprocessing.size)
        milliseconds, calibrate = calibration(module, images, runs)
        label, predict = labelling(module, images, runs), prediction(module, some, runs)
        print(f"| {name} | {milliseconds:.2f} | {calibrate:.3f} | {label:.3f} | {predict:.3f} |", flush=True)


def memory_table(models: Models, files: list[Path]) -> None:
    """Print (d)."""
    print("\n| network | verb | peak MB at 500 | at 5,000 | ratio |\n|---|---|---|---|---|", flush=True)
    for name, (backbone, options) in models.items():
        module = FroqModule(backbone, options)
        calibration(module, decoded(files[:64], module.backbone.preprocessing.size), 1)
        if module.observer is None:
            raise SystemExit("calibration failed")
        with tempfile.TemporaryDirectory() as folder:
            module.observer.save(Path(folder, "observer.json"))
            model = [f"--model.backbone={backbone}", f"--model.backbone_options={options}"]
            for verb, extra in (("validate", []), ("predict", [f"--model.observer={folder}/observer.json"])):
                few, many = (memory(verb, [*model, *extra], files, count) for count in (500, 5000))
                print(f"| {name} | {verb} | {few:.0f} | {many:.0f} | {many / few:.3f} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=["time", "memory"])
    parser.add_argument("--network", nargs="*", choices=list(IMAGES), default=list(IMAGES))
    parsed = parser.parse_args()
    quieten()
    weights = parsed.shared / "data" / "weights"
    files = sorted((parsed.shared / "data" / "faces").glob("*/*.jpg"))
    edgeface = {"architecture": "edgenext_xx_small", "weights": str(weights / "edgeface_xxs.safetensors")}
    models: Models = {
        "dlib_resnet29": ("dlib_resnet29", {}),
        "mobilefacenet": ("mobilefacenet", {"weights": str(weights / "mobilefacenet_casia.ckpt")}),
        "resnet50": ("timm", {"architecture": "resnet50"}),
        "edgeface_xxs": ("timm", edgeface),
    }
    models = {name: model for name, model in models.items() if name in parsed.network}
    if parsed.only != "memory":
        time_table(models, files, parsed.runs)
    if parsed.only != "time":
        memory_table(models, files)


if __name__ == "__main__":
    main()
