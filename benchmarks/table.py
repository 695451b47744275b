"""What the table of a large calibration set takes: memory and time of gathering and ranking it.

    python benchmarks/table.py [--images 1000000] [--layers 190] [--processes 1 2]

Fills the table with synthetic norms, of which one image in a hundred is missing, gathers it from all processes (gloo),
and ranks every layer. Prints a table in Markdown: seconds of gathering and of ranking, the peak resident memory of a
process less what it had before there was a table, and the size of the part that it fills and of the whole table.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from froq_lightning.calibration.correlation import spearman
from froq_lightning.metrics.layer_norm_table import CalibrationTable, LayerNormTable

BATCH = 1000
MISSING = 100
MEGABYTE = 2**20


def batches(images: int, layers: int, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield sample indices, norms and labels of the share of a process."""
    generator = torch.Generator().manual_seed(rank)
    for index in torch.arange(rank, images, world).split(BATCH):
        labels = torch.rand(len(index), generator=generator)
        yield index, labels[:, None] + torch.rand(len(index), layers, generator=generator), labels


def measure(images: int, layers: int, rank: int, world: int) -> None:
    """Fill, gather and rank a table in this process; print seconds of the latter two, and MB on top."""
    before = peak()
    table = LayerNormTable(images // world + 1, layers)
    for index, norms, labels in batches(images, layers, rank, world):
        missing = index % MISSING == 0
        table.update_missing(index[missing])
        table.update(index[~missing], norms[~missing], labels[~missing])
    started = time.perf_counter()
    whole = CalibrationTable.from_rows(table.compute())
    gathered = time.perf_counter()
    rho = spearman(whole.norms, whole.pseudo_quality)
    ranked = time.perf_counter()
    assert len(whole.norms) == images - len(whole.missing)
    assert bool((rho > 0).all())
    print(gathered - started, ranked - gathered, peak() - before)


def peak() -> float:
    """Peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(images: int, layers: int, world: int) -> tuple[float, ...]:
    """Measure in as many processes; return the largest of each figure."""
    with tempfile.TemporaryDirectory() as folder:
        size = ["--images", str(images), "--layers", str(layers), "--processes", str(world)]
        runs = [
            subprocess.Popen(
                [sys.executable, __file__, *size, "--rank", str(rank), "--store", f"{folder}/store"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for rank in range(world)
        ]
        printed = [run.communicate()[0] for run in runs]
    return tuple(max(figures) for figures in zip(*(map(float, line.split()) for line in printed), strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--layers", type=int, default=190)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.rank is not None:
        (world,) = parsed.processes
        torch.set_num_threads(1)
        if world > 1:
            where = f"file://{parsed.store}"
            torch.distributed.init_process_group("gloo", init_method=where, rank=parsed.rank, world_size=world)
        measure(parsed.images, parsed.layers, parsed.rank, world)
        return
    whole = parsed.images * (parsed.layers + 1) * 4 / MEGABYTE
    print(f"\n{parsed.images:,} images, {parsed.layers} layers\n")
    print("| processes | s to gather | s to rank | peak MB of a process | its part | the whole |\n" + "|---" * 6 + "|")
    for world in parsed.processes:
        gathering, ranking, memory = measured(parsed.images, parsed.layers, world)
        sizes = f"{memory:.0f} | {whole / world:.0f} | {whole:.0f}"
        print(f"| {world} | {gathering:.1f} | {ranking:.1f} | {sizes} |", flush=True)


if __name__ == "__main__":
    main()
