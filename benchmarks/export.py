"""What an exported graph costs beside the network that it was made of: `python benchmarks/export.py --shared DIR`."""

import argparse
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import onnxruntime
import torch
from networks import networks, some
from passes import calibrated
from stopwatch import ratio, timed
from torch import Tensor

from froq_lightning.export.export import export
from froq_lightning.export.options import ExportOptions
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.module import FroqModule

RUNS = 9
IMAGES = {1: 32, 32: 64}


def session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_graph(graph: onnxruntime.InferenceSession, batches: list[Tensor]) -> None:
    """Run a graph, all outputs."""
    for images in batches:
        graph.run(None, {"images": images.numpy()})


def run_eager(froq: FroqQuality, module: FroqModule, batches: list[Tensor]) -> None:
    """Score and embed in one pass."""
    with torch.inference_mode():
        for images in batches:
            froq.score_and_embed(module.backbone, images)


def main() -> None:
    """Print sizes and ratios for some networks and batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/faces and data/weights")
    parser.add_argument("--networks", nargs="*", default=["edgeface_xxs", "mobilefacenet", "dlib_resnet29", "vit_tiny"])
    arguments = parser.parse_args()
    print("| network | weights MB | graph MB | quality only MB | batch | graph / eager | quality only / eager |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.networks:
        network = networks(arguments.shared)[name]
        module = network.laid_out()
        images = some(arguments.shared, module, max(IMAGES.values()))
        observer, _ = calibrated(network, images, "cpu", max_cost=0.6)
        froq = FroqQuality(observer)
        weights = sum(tensor.nbytes for tensor in module.network.state_dict().values()) / 1e6
        with TemporaryDirectory() as folder:
            paths = {quality_only: Path(folder) / f"{quality_only}.onnx" for quality_only in (False, True)}
            for quality_only, path in paths.items():
                options = ExportOptions("onnx", quality_only=quality_only, with_preprocessing=True)
                export(path, module.backbone, module.identity, observer, options, images[:16])
            sizes = " | ".join(f"{path.stat().st_size / 1e6:.1f}" for path in paths.values())
            whole, part = map(session, paths.values())
            for batch_size, count in IMAGES.items():
                batches = list(images[:count].split(batch_size))
                eager, graph, quality = timed(
                    partial(run_eager, froq, module, batches),
                    partial(run_graph, whole, batches),
                    partial(run_graph, part, batches),
                    runs=RUNS,
                )
                times = f"{ratio(graph, eager):.2f} | {ratio(quality, eager):.2f}"
                print(f"| {name} | {weights:.1f} | {sizes} | {batch_size} | {times} |", flush=True)


if __name__ == "__main__":
    main()
