"""What it costs to read quality from a pass of one's own: `python benchmarks/watch.py --shared DIR`."""

import argparse
from functools import partial
from pathlib import Path

import torch
from networks import networks, some
from passes import calibrated
from stopwatch import ratio, timed
from torch import Tensor

from froq_lightning import QualityScorer
from froq_lightning.scorer import Watch

RUNS = 15
IMAGES = {1: 32, 32: 64}


def bare(scorer: QualityScorer, batches: list[Tensor]) -> None:
    """Run the network and keep nothing."""
    with torch.inference_mode():
        for inputs in batches:
            scorer.backbone.network(inputs)


def watched(scorer: QualityScorer, watch: Watch, batches: list[Tensor]) -> None:
    """Run the network, and read the scores of every batch."""
    with torch.inference_mode(), watch:
        for inputs in batches:
            scorer.backbone.network(inputs)
            watch.scores()


def main() -> None:
    """Print the ratio for some networks and batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/faces and data/weights")
    parser.add_argument("--networks", nargs="*", default=["edgeface_xxs", "mobilefacenet", "dlib_resnet29"])
    arguments = parser.parse_args()
    print("| network | layers | batch | watched / bare |\n|---|---|---|---|")
    for name in arguments.networks:
        network = networks(arguments.shared)[name]
        module = network.laid_out()
        images = some(arguments.shared, module, max(IMAGES.values()))
        scorer = QualityScorer(module.backbone, calibrated(network, images, "cpu")[0])
        watch = scorer.watch()
        for batch_size, count in IMAGES.items():
            batches = list(scorer.backbone.inputs(images[:count]).split(batch_size))
            plain, both = timed(
                partial(bare, scorer, batches),
                partial(watched, scorer, watch, batches),
                runs=RUNS,
            )
            print(f"| {name} | {len(scorer.observer.layers)} | {batch_size} | {ratio(both, plain):.3f} |", flush=True)


if __name__ == "__main__":
    main()
