"""Whether the time that `froq test` tells before a run is what the run takes.

    python benchmarks/planned_time.py --shared DIR [--images 640] [--runs 3]

Plans and runs sets of methods on each network, over as many images of DIR (slow methods over 32), and prints a table in
Markdown: the planned seconds, the measured ones from the first batch to the last, and their ratio in the same run;
medians of several runs.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from networks import networks, some
from passes import calibrated

from froq_lightning.cli.trainer import quieten
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.plan import plan
from froq_lightning.methods.registry import create_methods
from froq_lightning.methods.scoring import MethodScorer

BATCH = 32
METHODS: dict[str, tuple[str | dict[str, Any], ...]] = {
    "quick": ("flip", "embedding_norm", "prefiqs", "random"),
    "stochastic": ({"method": "ser_fiq", "rate": 0.5}, "random"),
    "gradients": ("grafiqs",),
    "slow": ({"method": "perturbation"}, {"method": "face_qan"}),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    quieten()
    print("| network | methods | planned s | measured s | measured / planned |\n" + "|---" * 5 + "|", flush=True)
    for name in ("edgeface_xxs", "mobilefacenet"):
        network = networks(options.shared)[name]
        module = network.laid_out("cpu")
        images = some(options.shared, module, options.images)
        observer, _ = calibrated(network, images[:64], "cpu")
        for title, specs in METHODS.items():
            methods = {"froq": FroqQuality(observer), **create_methods(specs)}
            part = images[:BATCH] if title == "slow" else images
            measured = [run(MethodScorer(module.backbone, methods), part) for _ in range(options.runs)]
            planned, taken = (statistics.median(column) for column in zip(*measured, strict=True))
            ratio = statistics.median(after / before for before, after in measured)
            print(f"| {name} | {title} | {planned:.1f} | {taken:.1f} | {ratio:.2f} |", flush=True)


def run(scorer: MethodScorer, images: torch.Tensor) -> tuple[float, float]:
    """Plan and score; return both times in seconds."""
    planned = plan(scorer, BATCH).seconds(len(images))
    start = time.perf_counter()
    for part in images.split(BATCH):
        scorer.score(part)
    return planned, time.perf_counter() - start


if __name__ == "__main__":
    main()
