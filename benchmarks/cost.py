"""What FROQ costs, as ratios to the bare forward pass of the same network measured in the same run.

    python benchmarks/cost.py --shared DIR [--only passes methods verbs labels growth] [--network NAME ...]
                              [--batch 1 8 32 128] [--plot FILE] [--device cuda] [--precision bf16] [--runs 5]

The bare pass is preprocessing and forward of the same network over the same decoded uint8 images, at the same batch
size, in inference mode. Medians of interleaved runs; prints tables in Markdown, and draws a plot.

`passes`: FROQ with embeddings (whole passes) and without (early stop), at batch sizes from 1 to 128.
`methods`: the other quality methods. `verbs`: calibration with given labels, and `predict` from JPEG files to CSV.
`labels`: making labels, against 76 bare passes an image, and how labels by fewer passes agree with them.
`growth`: calibration by the number of images and of layers. All but the first two on the CPU.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from networks import Batches, Network, decoded, faces, networks, some
from scipy.stats import spearmanr
from stopwatch import ratio, timed
from torch import Tensor

from froq_lightning.calibration.observer import Observer
from froq_lightning.callbacks import QualityWriter
from froq_lightning.cli.trainer import FroqTrainer, quieten
from froq_lightning.data.faces import FaceDataModule
from froq_lightning.methods.catalogue import create_method
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.quality_method import QualityMethod
from froq_lightning.module import FroqModule

SECTIONS = ("passes", "methods", "verbs", "labels", "growth")
BATCHES = (1, 8, 32, 128)
# A limit under which early stops are shown.
MAX_COST = 0.6
METHODS: dict[str, tuple[dict[str, Any], ...]] = {
    "edgeface_xxs": (
        {"method": "embedding_norm"},
        {"method": "ser_fiq", "rate": 0.5},
        {"method": "perturbation"},
        {"method": "face_qan"},
    ),
    "mobilefacenet": ({"method": "embedding_norm"}, {"method": "grafiqs"}),
}
SLOW = ("perturbation", "face_qan")
# Labels by fewer passes: (options, passes).
CHEAPER: tuple[tuple[dict[str, Any], int], ...] = (
    ({"noise": 0}, 66),
    ({"noise": 0, "occlusion": 4}, 18),
    ({"noise": 0, "occlusion": 3}, 11),
    ({"noise": 0, "occlusion": 2}, 6),
    ({"noise": 0, "occlusion": 0}, 2),
)
Plotted = dict[str, dict[str, float]]


def trainer(**options: Any) -> FroqTrainer:
    """Return a Trainer that prints nothing."""
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return FroqTrainer(**quiet, enable_model_summary=False, **options)


def bare(module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Run the network over all images and keep nothing."""
    with torch.inference_mode():
        for part in images.split(batch_size):
            module.network(module.backbone.inputs(part))


def scored(method: QualityMethod, module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Score all images."""
    with torch.inference_mode(not isinstance(method, PerturbationQuality)):
        for part in images.split(batch_size):
            method.score(module.backbone, part)


def embedded(froq: FroqQuality, module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Score all images, and embed them in the same passes."""
    with torch.inference_mode():
        for part in images.split(batch_size):
            froq.score_and_embed(module.backbone, part)


def calibrated(network: Network, images: Tensor, accelerator: str, **options: Any) -> tuple[Observer, float]:
    """Calibrate on random labels: an Observer, and the cost of its layers."""
    module = network.module(**options)
    batches = Batches(images.cpu(), 32)
    trainer(accelerator=accelerator, devices=1).validate(module, dataloaders=batches, verbose=False)
    if module.observer is None or module.calibration is None:
        raise SystemExit("calibration failed")
    return module.observer, module.calibration.selection.cost or 0.0


def passes(network: Network, shared: Path, options: argparse.Namespace, plotted: Plotted) -> None:
    """Print what FROQ costs at every batch size."""
    accelerator = "gpu" if options.device == "cuda" else "cpu"
    module = network.module(options.device)
    images = some(shared, module, 256)
    observer, _ = calibrated(network, images[:64], accelerator)
    early, cost = calibrated(network, images[:64], accelerator, max_cost=MAX_COST)
    for batch in options.batch:
        part = images[: max(batch, network.images)]
        actions = (
            partial(bare, module, part, batch),
            partial(embedded, FroqQuality(observer), module, part, batch),
            partial(scored, FroqQuality(early), module, part, batch),
        )
        with precision(options):
            one, whole, stopped = timed(*actions, runs=options.runs)
        seconds = statistics.median(one) / len(part)
        told = f"{network.name} | {batch} | {1e3 * seconds:.2f} | {1 / seconds:.0f} | {ratio(whole, one):.3f}"
        print(f"| {told} | {ratio(stopped, one):.3f} | {cost:.3f} |", flush=True)
        if batch == 32:
            plotted[network.name] = {
                f"FROQ with max_cost {MAX_COST:g}": ratio(stopped, one),
                "FROQ with embeddings": ratio(whole, one),
            }


def precision(options: argparse.Namespace) -> AbstractContextManager[Any]:
    """Autocast, if it is asked for."""
    return torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16")


def methods(network: Network, shared: Path, options: argparse.Namespace, plotted: Plotted) -> None:
    """Print what other methods cost."""
    module = network.module(options.device)
    images = some(shared, module, 128)
    for spec in METHODS.get(network.name, ()):
        slow = spec["method"] in SLOW
        runs, warm_ups = (1, 0) if slow else (options.runs, 1)
        told = []
        for batch in options.batch:
            part = images[: max(batch, 8 if slow else network.images)]
            actions = partial(bare, module, part, batch), partial(scored, create_method(spec), module, part, batch)
            one, method = timed(*actions, runs=runs, warm_ups=warm_ups)
            told.append(ratio(method, one))
            if batch == 32:
                plotted.setdefault(network.name, {})[spec["method"]] = told[-1]
        cells = " | ".join(f"{cost:.2f}" for cost in told)
        print(f"| {network.name} | {spec['method']} | {cells} |", flush=True)


def calibration(module: FroqModule, images: Tensor, count: int, runs: int) -> tuple[float, float]:
    """Milliseconds of the bare pass per image, and `validate` with given labels against it."""
    batches, repeats = Batches(images, 32, count), -(-count // len(images))

    def bare_passes() -> None:
        for _ in range(repeats):
            bare(module, images, 32)

    def validate() -> None:
        trainer(accelerator="cpu").validate(module, dataloaders=batches, verbose=False)

    whole, one = timed(validate, bare_passes, runs=runs)
    return 1e3 * statistics.median(one) / (repeats * len(images)), ratio(whole, one) * repeats * len(images) / count


def labelling(module: FroqModule, images: Tensor, runs: int) -> float:
    """All perturbations of a few images against 76 bare passes, each at its best batch size."""
    few = images[:8]
    stack = few.repeat(10, 1, 1, 1)[:76]
    found = []
    for size in (8, 16, 32):
        method = PerturbationQuality(micro_batch=size)
        found.append(
            timed(partial(scored, method, module, few, len(few)), partial(bare, module, stack, size), runs=runs)
        )
    label, one = (min(statistics.median(times[part]) for times in found) for part in (0, 1))
    return label / (len(few) * one)


def prediction(network: Network, files: list[Path], runs: int) -> list[float]:
    """`predict` from files to CSV, the same with an early stop, its cost, and decoding: shares of the bare pass."""
    module = network.module()
    size = module.backbone.preprocessing.size
    images = decoded(files, size)
    observers = [calibrated(network, images[:64], "cpu", max_cost=limit) for limit in (1.0, MAX_COST)]
    with tempfile.TemporaryDirectory() as name:
        manifest = Path(name, "files.csv")
        manifest.write_text("path\n" + "".join(f"{file}\n" for file in files))
        actions: list[Callable[[], object]] = []
        for number, (observer, _) in enumerate(observers):
            observer.save(Path(name, f"{number}.json"))
            scoring = network.module(observer=str(Path(name, f"{number}.json")))
            actions.append(partial(predict, scoring, manifest, Path(name, "scores.csv")))
        bare_pass, decoding = partial(bare, module, images, 32), partial(decoded, files, size)
        whole, early, one, decode = timed(*actions, bare_pass, decoding, runs=runs)
    return [ratio(whole, one), ratio(early, one), observers[1][1], ratio(decode, one)]


def predict(module: FroqModule, manifest: Path, output: Path) -> None:
    """Score files as `froq predict` does."""
    data = FaceDataModule(str(manifest), resize=True)
    trainer(accelerator="cpu", callbacks=[QualityWriter(output)]).predict(module, datamodule=data)


def verbs(network: Network, shared: Path, options: argparse.Namespace) -> None:
    """Print what the verbs cost."""
    module = network.module()
    images = some(shared, module, 4 * network.images)
    milliseconds, calibrate = calibration(module, images, len(images), options.runs)
    whole, early, cost, decode = prediction(network, faces(shared)[: 4 * network.images], options.runs)
    told = f"{network.name} | {milliseconds:.2f} | {calibrate:.3f} | {whole:.3f} | {early:.3f} | {cost:.3f}"
    print(f"| {told} | {decode:.3f} |", flush=True)


def labels(network: Network, shared: Path, options: argparse.Namespace) -> None:
    """Print what labels cost, and how those by fewer passes agree with the full ones."""
    module = network.module()
    cost = labelling(module, some(shared, module, 8), options.runs)
    print(f"| {network.name} | all of 76 passes, in {cost:.3f} times 76 bare ones | 76 | 1 |", flush=True)
    files = sorted((shared / "data" / "calibration").glob("*.jpg"))[::3]
    images = decoded(files, module.backbone.preprocessing.size)
    with torch.inference_mode():
        full = PerturbationQuality().score(module.backbone, images)
        for knobs, count in CHEAPER:
            label = PerturbationQuality(**knobs).score(module.backbone, images)
            rho = spearmanr(label.numpy(), full.numpy()).statistic
            print(f"| {network.name} | {knobs} | {count} | {rho:.4f} |", flush=True)


def growth(network: Network, shared: Path, options: argparse.Namespace) -> None:
    """Print what calibration costs by the number of images, and of layers."""
    module = network.module()
    images = some(shared, module, 500)
    for count in (500, 5_000, 50_000):
        runs = 1 if count > 5_000 else options.runs
        milliseconds, calibrate = calibration(module, images, count, runs)
        layers = len(module.backbone.candidate_layers)
        print(f"| {network.name} | {count:,} | {layers} | {milliseconds:.2f} | {calibrate:.3f} |", flush=True)
    every = module.backbone
    for layers in (10, 50, 100):
        names = every.candidate_layers[:: -(-len(every.candidate_layers) // layers)]
        module.backbone = replace(every, candidate_layers=names)
        milliseconds, calibrate = calibration(module, images, 500, options.runs)
        print(f"| {network.name} | 500 | {len(names)} | {milliseconds:.2f} | {calibrate:.3f} |", flush=True)


def draw(plotted: Plotted, path: Path) -> None:
    """Draw every cost as a bar, in multiples of the bare pass."""
    bars = [(f"{network}: {what}", cost) for network, costs in plotted.items() for what, cost in costs.items()]
    figure = Figure(figsize=(8, 0.34 * len(bars) + 1), layout="constrained")
    axes = figure.subplots()
    colours = ["#0072b2" if "FROQ" in name else "#8c95a3" for name, _ in bars]
    drawn = axes.barh([name for name, _ in bars], [cost for _, cost in bars], color=colours)
    axes.bar_label(drawn, [f"{cost:.2f}" if cost < 10 else f"{cost:.0f}" for _, cost in bars], padding=3)
    axes.axvline(1, color="#1a2332", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(0.3, 1.6 * max(cost for _, cost in bars))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("forward passes per image, log scale")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def headed(*cells: str) -> None:
    """Print the head of a table."""
    print(f"\n| {' | '.join(cells)} |\n|{'---|' * len(cells)}", flush=True)


def pass_tables(chosen: list[Network], shared: Path, options: argparse.Namespace) -> None:
    """Print what FROQ and other methods cost, and draw it."""
    plotted: Plotted = {}
    if "passes" in options.only:
        headed(
            "network", "batch", "bare ms a face", "faces a second", "whole / bare", "early / bare", "cost of its layers"
        )
        for network in chosen:
            passes(network, shared, options, plotted)
    if "methods" in options.only:
        headed("network", "method", *(f"batch {batch}" for batch in options.batch))
        for network in chosen:
            methods(network, shared, options, plotted)
    if options.plot and plotted:
        draw(plotted, options.plot)


def verb_tables(chosen: list[Network], shared: Path, options: argparse.Namespace) -> None:
    """Print what the verbs cost, and how calibration grows."""
    if "verbs" in options.only:
        headed("network", "bare ms a face", "calibrate", "predict", "predict, early", "cost of its layers", "decoding")
        for network in chosen:
            verbs(network, shared, options)
    if "labels" in options.only:
        headed("network", "labels", "passes", "Spearman's rho with the full ones")
        for network in chosen:
            if network.name in METHODS:
                labels(network, shared, options)
    if "growth" in options.only:
        headed("network", "images", "layers", "bare ms a face", "calibrate / bare")
        growth(chosen[0], shared, options)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--network", nargs="*")
    parser.add_argument("--batch", nargs="*", type=int, default=BATCHES)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    quieten()
    every = networks(options.shared)
    on_device = {"cpu": list(every)[:4], "cuda": list(every)[3:]}
    chosen = [every[name] for name in options.network or on_device[options.device]]
    pass_tables(chosen, options.shared, options)
    if options.device == "cpu":
        verb_tables(chosen, options.shared, options)


if __name__ == "__main__":
    main()
