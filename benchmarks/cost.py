"""What FROQ costs, as ratios to the bare forward pass of the same network measured in the same run.

    python benchmarks/cost.py --shared DIR [--only passes methods verbs labels growth] [--network NAME ...]
                              [--batch 1 8 32 128] [--plot FILE] [--device cuda] [--precision bf16] [--runs 5]

The bare pass is preprocessing and forward of the same network over the same decoded uint8 images, at the same batch
size, in inference mode, with the network as its authors run it. `laid out` is the same pass in the order of memory that
the tool chooses. Medians of interleaved runs; prints tables in Markdown, and draws a plot.

`passes`: FROQ with embeddings (whole passes) and without (early stop), at batch sizes from 1 to 128.
`methods`: the other quality methods, in bare passes of the network as it is laid out. `verbs`: calibration with given
labels, and `predict` from JPEG files to CSV.
`labels`: making labels, against 76 bare passes an image, and how labels by fewer passes agree with them.
`growth`: calibration by the number of images and of layers. All but the first two on the CPU.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cost_of_calibration import calibration, growth, labels
from cost_plot import Plotted, draw
from networks import Network, decoded, faces, networks, some
from passes import bare, calibrated, embedded, predict, scored
from stopwatch import ratio, timed

from froq_lightning.cli.trainer import quieten
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.registry import create_method

SECTIONS = ("passes", "methods", "verbs", "labels", "growth")
BATCHES = (1, 8, 32, 128)
# A limit under which early stops are shown.
MAX_COST = 0.6
OF_TRANSFORMERS: tuple[dict[str, Any], ...] = ({"method": "attn_fiqa"}, {"method": "vitnt_fiqa"})
METHODS: dict[str, tuple[dict[str, Any], ...]] = {
    "edgeface_xxs": (
        {"method": "embedding_norm"},
        {"method": "ser_fiq", "rate": 0.5},
        {"method": "perturbation"},
        {"method": "face_qan"},
    ),
    "mobilefacenet": ({"method": "embedding_norm"}, {"method": "grafiqs"}),
    **dict.fromkeys(("vit_tiny", "vit_small", "timm_vit_tiny"), OF_TRANSFORMERS),
}
SLOW = ("perturbation", "face_qan")


def passes(network: Network, shared: Path, options: argparse.Namespace, plotted: Plotted) -> None:
    """Print what FROQ costs at every batch size."""
    accelerator = "gpu" if options.device == "cuda" else "cpu"
    plain, module = network.module(options.device), network.laid_out(options.device)
    images = some(shared, module, 256)
    observer, _ = calibrated(network, images[:64], accelerator)
    early, cost = calibrated(network, images[:64], accelerator, max_cost=MAX_COST)
    for batch in options.batch:
        part = images[: max(batch, network.images)]
        actions = (
            partial(bare, plain, part, batch),
            partial(bare, module, part, batch),
            partial(embedded, FroqQuality(observer), module, part, batch),
            partial(scored, FroqQuality(early), module, part, batch),
        )
        with precision(options):
            one, turned, whole, stopped = timed(*actions, runs=options.runs)
        seconds = statistics.median(one) / len(part)
        told = f"{network.name} | {batch} | {1e3 * seconds:.2f} | {1 / seconds:.0f} | {ratio(turned, one):.3f}"
        print(f"| {told} | {ratio(whole, one):.3f} | {ratio(stopped, one):.3f} | {cost:.3f} |", flush=True)
        if batch == 32:
            # As the other methods: in passes of the network as it is laid out.
            plotted[network.name] = {
                f"FROQ with max_cost {MAX_COST:g}": ratio(stopped, turned),
                "FROQ with embeddings": ratio(whole, turned),
            }


def precision(options: argparse.Namespace) -> AbstractContextManager[Any]:
    """Autocast, if it is asked for."""
    return torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16")


def methods(network: Network, shared: Path, options: argparse.Namespace, plotted: Plotted) -> None:
    """Print what other methods cost."""
    module = network.laid_out(options.device)
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


def verbs(network: Network, shared: Path, options: argparse.Namespace) -> None:
    """Print what the verbs cost."""
    module = network.module()
    images = some(shared, module, 4 * network.images)
    milliseconds, turned, calibrate = calibration(network, images, len(images), options.runs)
    whole, early, cost, decode = prediction(network, faces(shared)[: 4 * network.images], options.runs)
    told = f"{network.name} | {milliseconds:.2f} | {turned:.3f} | {calibrate:.3f} | {whole:.3f} | {early:.3f}"
    print(f"| {told} | {cost:.3f} | {decode:.3f} |", flush=True)


def headed(*cells: str) -> None:
    """Print the head of a table."""
    print(f"\n| {' | '.join(cells)} |\n|{'---|' * len(cells)}", flush=True)


def pass_tables(chosen: list[Network], shared: Path, options: argparse.Namespace) -> None:
    """Print what FROQ and other methods cost, and draw it."""
    plotted: Plotted = {}
    if "passes" in options.only:
        headed(
            "network", "batch", "bare ms a face", "faces a second", "laid out", "whole", "early", "cost of its layers"
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
        headed(
            "network", "bare ms a face", "laid out", "calibrate", "predict", "early", "cost of its layers", "decoding"
        )
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
    on_device = {"cpu": list(every)[:4], "cuda": list(every)[3:7]}
    chosen = [every[name] for name in options.network or on_device[options.device]]
    pass_tables(chosen, options.shared, options)
    if options.device == "cpu":
        verb_tables(chosen, options.shared, options)


if __name__ == "__main__":
    main()
