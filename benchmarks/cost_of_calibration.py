"""What calibration and labels cost, in bare passes."""

import argparse
import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from networks import Batches, Network, decoded, some
from passes import bare, scored, trainer
from scipy.stats import spearmanr
from stopwatch import ratio, timed
from torch import Tensor

from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.module import FroqModule

# Labels by fewer passes: (options, passes).
CHEAPER: tuple[tuple[dict[str, Any], int], ...] = (
    ({"noise": 0}, 66),
    ({"noise": 0, "occlusion": 4}, 18),
    ({"noise": 0, "occlusion": 3}, 11),
    ({"noise": 0, "occlusion": 2}, 6),
    ({"noise": 0, "occlusion": 0}, 2),
)


def calibration(
    network: Network, images: Tensor, count: int, runs: int, layers: int | None = None
) -> tuple[float, float, float]:
    """Milliseconds of the bare pass per image; the pass as the network is laid out, and `validate`, against it.

    Args:
        network: to calibrate, with labels given.
        images: that are repeated until there are `count`.
        count: number of images.
        runs: number of runs.
        layers: number of candidate layers, spread over the network; all of them by default.
    """
    plain, turned, module = network.module(), network.laid_out(), network.module()
    names = module.backbone.candidate_layers
    module.backbone = replace(module.backbone, candidate_layers=names[:: -(-len(names) // (layers or len(names)))])
    batches, repeats = Batches(images, 32, count), -(-count // len(images))

    def passes(module: FroqModule) -> None:
        for _ in range(repeats):
            bare(module, images, 32)

    def validate() -> None:
        trainer(accelerator="cpu").validate(module, dataloaders=batches, verbose=False)

    whole, laid_out, one = timed(validate, partial(passes, turned), partial(passes, plain), runs=runs)
    seconds = statistics.median(one) / (repeats * len(images))
    return 1e3 * seconds, ratio(laid_out, one), ratio(whole, one) * repeats * len(images) / count


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


def labels(network: Network, shared: Path, options: argparse.Namespace) -> None:
    """Print what labels cost, and how those by fewer passes agree with the full ones."""
    module = network.laid_out()
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
    images = some(shared, network.module(), 500)
    every = len(network.module().backbone.candidate_layers)
    for count, layers in ((500, every), (5_000, every), (50_000, every), (500, 10), (500, 48), (500, 95)):
        runs = 1 if count > 5_000 else options.runs
        milliseconds, _, calibrate = calibration(network, images, count, runs, layers)
        print(f"| {network.name} | {count:,} | {layers} | {milliseconds:.2f} | {calibrate:.3f} |", flush=True)
