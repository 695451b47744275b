"""What a GPU makes of FROQ: every switch against the bare pass in float32 on that device, in one run.

    python benchmarks/gpu.py --shared DIR [--device cuda] [--network NAME ...] [--batch 1 32 256] [--images 256]
                              [--switch NAME ...] [--workers 0 4 8] [--runs 5] [--output gpu.md]

Prints two tables in Markdown for each network, and writes them to a file. `--device cpu` runs the same on a CPU.

`passes`: scoring of images that are on the device already. The bare pass is preprocessing and forward in float32, as
the authors of the network run it, over the same images at the same batch size. An Observer is calibrated by mated
labels on one half of the subjects, on the CPU in float32; scores of the other half are compared with those of the CPU
in float32: the largest difference, in standard deviations of these scores, and Spearman's rho. Memory is the most that
torch allocated on the GPU.
`files`: `predict` from JPEG files to CSV by the number of reading processes, and copies of batches to the device from
pageable and from pinned memory, against the same bare pass.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from networks import Network, decoded, faces, networks
from passes import bare, scored, trainer
from scipy.stats import spearmanr
from stopwatch import ratio, timed
from torch import Tensor

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.calibration.observer import Observer
from froq_lightning.callbacks import QualityWriter
from froq_lightning.cli.trainer import quieten
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.methods.froq import CompileMode, FroqQuality
from froq_lightning.module import FroqModule


@dataclass(frozen=True)
class Switch:
    """Options of a run that may make it faster."""

    channels_last: bool = False
    autocast: torch.dtype | None = None
    compile: CompileMode | None = None

    def precision(self, device: str) -> AbstractContextManager[object]:
        """Autocast, if it is on."""
        return torch.autocast(device, self.autocast) if self.autocast else nullcontext()


SWITCHES = {
    "none": Switch(),
    "channels_last": Switch(channels_last=True),
    "bf16-mixed": Switch(autocast=torch.bfloat16),
    "16-mixed": Switch(autocast=torch.float16),
    "bf16-mixed, channels_last": Switch(channels_last=True, autocast=torch.bfloat16),
    "compile": Switch(compile="default"),
    "compile reduce-overhead": Switch(compile="reduce-overhead"),
    "compile max-autotune": Switch(compile="max-autotune"),
    "compile reduce-overhead, bf16-mixed, channels_last": Switch(
        channels_last=True, autocast=torch.bfloat16, compile="reduce-overhead"
    ),
}
PASSES = ("network", "batch", "switch", "FROQ / bare", "MB", "largest difference", "rho")
FILES = ("network", "batch", "what", "time / bare")


def by_subject(shared: Path, count: int) -> tuple[list[Path], list[Path]]:
    """Return files of `count` faces of every second subject, and as many of the others."""
    every = faces(shared)
    subjects = sorted({file.parent.name for file in every})
    calibration = set(subjects[::2])
    halves = [[file for file in every if (file.parent.name in calibration) is first] for first in (True, False)]
    return halves[0][:count], halves[1][:count]


def calibrated(network: Network, files: list[Path], folder: Path) -> Observer:
    """Calibrate on the CPU, in float32, by mated labels."""
    manifest = folder / "calibration.csv"
    manifest.write_text("path,subject_id\n" + "".join(f"{file},{file.parent.name}\n" for file in files))
    module = network.module(labeller="mated")
    data = FaceDataModule(str(manifest), module.preprocessing, resize=True, workers=0)
    trainer(accelerator="cpu", devices=1).validate(module, datamodule=data, verbose=False)
    if module.observer is None:
        raise SystemExit("calibration failed")
    return module.observer


def scores(method: FroqQuality, module: FroqModule, images: Tensor, batch: int) -> Tensor:
    """Score images, batch by batch: `[N]` float64."""
    with torch.inference_mode():
        return torch.cat([method.score(module.backbone, part) for part in images.split(batch)]).clone()


def passes(network: Network, observer: Observer, images: Tensor, options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield a row for every batch size and switch."""
    expected = scores(FroqQuality(observer), network.module(), images, 32)
    there, plain = images.to(options.device), network.module(options.device)
    for batch in options.batch:
        for name in options.switch:
            switch, module = SWITCHES[name], network.module(options.device)
            method = FroqQuality(observer, switch.compile or False)
            try:
                set_memory_format(module.backbone, module.device, switch.channels_last)
                with switch.precision(options.device):
                    given = scores(method, module, there, batch)
                # The bare pass is in float32, whatever the switch.
                work = partial(under, switch, options.device, partial(scored, method, module, there, batch))
                one, taken = timed(partial(bare, plain, there, batch), work, runs=options.runs)
                difference = float((given - expected).abs().max() / expected.std())
                rho = spearmanr(given.numpy(), expected.numpy()).statistic
                cells = [f"{ratio(taken, one):.3f}", megabytes(work), f"{difference:.1e}", f"{rho:.5f}"]
            except (RuntimeError, ValueError) as error:  # such as memory that does not suffice
                cells = [str(error).splitlines()[0][:60], "", "", ""]
            yield [network.name, str(batch), name, *cells]


def under(switch: Switch, device: str, action: Callable[[], object]) -> None:
    """Do something in the precision of a switch."""
    with switch.precision(device):
        action()


def megabytes(action: Callable[[], object]) -> str:
    """Return the most memory that an action has on the GPU; nothing on a CPU."""
    if not torch.cuda.is_available():
        return ""
    torch.cuda.reset_peak_memory_stats()
    action()
    return f"{torch.cuda.max_memory_allocated() / 1e6:.0f}"


def from_files(
    network: Network, observer: Observer, files: list[Path], options: argparse.Namespace, folder: Path
) -> Iterator[list[str]]:
    """Yield a row for every number of workers, and for copies to the device."""
    observer.save(folder / "observer.json")
    manifest = folder / "files.csv"
    manifest.write_text("path\n" + "".join(f"{file}\n" for file in files))
    plain = network.module(options.device)
    images = decoded(files, plain.preprocessing.size)
    there = images.to(options.device)
    for batch in options.batch:
        actions = {
            f"predict, {workers} workers": partial(predict, network, folder, workers, batch, options.device)
            for workers in options.workers
        }
        actions["copies from pageable memory"] = partial(copied, images, batch, options.device)
        if options.device == "cuda":
            actions["copies from pinned memory"] = partial(copied, images.pin_memory(), batch, options.device)
        one, *several = timed(partial(bare, plain, there, batch), *actions.values(), runs=options.runs)
        yield [network.name, str(batch), "bare pass, ms a face", f"{1e3 * statistics.median(one) / len(files):.3f}"]
        for name, taken in zip(actions, several, strict=True):
            yield [network.name, str(batch), name, f"{ratio(taken, one):.3f}"]


def predict(network: Network, folder: Path, workers: int, batch: int, device: str) -> None:
    """Score files as `froq predict` does."""
    module = network.module(observer=str(folder / "observer.json"))
    data = FaceDataModule(
        str(folder / "files.csv"), module.preprocessing, resize=True, workers=workers, batch_size=batch
    )
    accelerator = "gpu" if device == "cuda" else "cpu"
    writer = QualityWriter(folder / "scores.csv")
    trainer(accelerator=accelerator, devices=1, callbacks=[writer]).predict(module, datamodule=data)


def copied(images: Tensor, batch: int, device: str) -> None:
    """Copy images to the device as a run does."""
    for part in images.split(batch):
        FaceBatch.of_tensors(part, torch.arange(len(part))).to(device)


def table(head: tuple[str, ...], rows: Iterator[list[str]]) -> list[str]:
    """Return a table in Markdown, whose rows are printed as they come."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    print(f"\n{lines[0]}\n{lines[1]}", flush=True)
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--network", nargs="*", default=["edgeface_xxs", "mobilefacenet", "iresnet50"])
    parser.add_argument("--batch", nargs="*", type=int, default=[1, 32, 256])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--switch", nargs="*", choices=list(SWITCHES), default=list(SWITCHES))
    parser.add_argument("--workers", nargs="*", type=int, default=[0, 4, 8])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("gpu.md"))
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here; --device cpu runs the same switches on the CPU")
    quieten()
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    lines = [f"torch {torch.__version__}, {device}, {options.images} images, {options.runs} runs", ""]
    print(lines[0])
    calibration, files = by_subject(options.shared, options.images)
    every = networks(options.shared)
    for network in (every[name] for name in options.network):
        with tempfile.TemporaryDirectory() as name:
            observer = calibrated(network, calibration, Path(name))
            images = decoded(files, network.module().preprocessing.size)
            lines += table(PASSES, passes(network, observer, images, options))
            lines += table(FILES, from_files(network, observer, files, options, Path(name)))
    options.output.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
