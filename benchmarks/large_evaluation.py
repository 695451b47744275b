"""What many images and comparison trials take: seconds and memory of every step of `froq test` after the passes.

    python benchmarks/large_evaluation.py [--trials 5000000] [--images 1000000] [--dimension 512]

The images and their embeddings are noise, in a journal as a run writes it; the trials are made up, half of them mated,
between images of 5 to a subject. Prints a table in Markdown: the peak of what a step allocates on top of the trials and
the qualities, as tracemalloc counts it; what is mapped from a file is not part of it.
"""

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.evaluation import evaluate as evaluation
from froq_lightning.evaluation.comparisons import Floats, Trials, compare
from froq_lightning.evaluation.evaluate import MetricOptions
from froq_lightning.journal.journal import Journal
from froq_lightning.methods.registry import create_method
from froq_lightning.methods.scoring import MethodScorer
from froq_lightning.runs.recognised_batch import RecognisedBatch, RecognisedPart
from froq_lightning.runs.recogniser import Recogniser, gather

IMAGES_OF_A_SUBJECT = 5
DIMENSION = 16
FMR = 1e-3
MEGABYTE = 2**20
BATCH = 32
Value = TypeVar("Value")


def synthetic(count: int, images: int) -> tuple[Trials, Floats]:
    """Make trials with comparison scores that rise with the quality of the images; return the quality, too."""
    generator = np.random.default_rng(0)
    quality = generator.random(images)
    first = generator.integers(images, size=count, dtype=np.int32)
    mated = np.arange(count) % 2 == 0
    start, step = first // IMAGES_OF_A_SUBJECT * IMAGES_OF_A_SUBJECT, generator.integers(1, IMAGES_OF_A_SUBJECT, count)
    mate = start + (first - start + step) % IMAGES_OF_A_SUBJECT
    other = (start + generator.integers(IMAGES_OF_A_SUBJECT, images - IMAGES_OF_A_SUBJECT, count)) % images
    second = np.where(mated, mate, other).astype(np.int32)
    scores = 0.4 * mated * np.minimum(quality[first], quality[second]) + generator.normal(0, 0.1, count)
    subjects = np.arange(images, dtype=np.int32) // IMAGES_OF_A_SUBJECT
    return Trials(scores, mated, first, second, subjects), quality


def steps(trials: Trials, quality: Floats) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the steps by their names."""
    qualities = {"method": quality}
    for name in ("froq", "cr-fiqa", "iso", "rce"):
        options = MetricOptions((name,), (FMR,))
        yield name, partial(_all, evaluation.evaluate, "set", trials, qualities, options)
    options = MetricOptions(("froq",), (FMR,))
    yield "quality thresholds", partial(_all, evaluation.find_thresholds, "set", trials, qualities, (), options)
    if hasattr(evaluation, "evaluate_oracles"):
        embeddings = np.random.default_rng(1).normal(size=(len(quality), DIMENSION)).astype(np.float32)
        yield "oracles, froq", partial(_all, evaluation.evaluate_oracles, "set", trials, embeddings, options)
    sampled = MetricOptions(("froq",), (FMR,), bootstrap=4)
    yield "froq, 4 bootstrap samples", partial(_all, evaluation.evaluate, "set", trials, qualities, sampled)


def gathered(images: int, dimension: int, folder: Path) -> tuple[Callable[[], npt.NDArray[np.float32]], float]:
    """Write a journal of that many images; return what puts it together, and its size in MB."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, dimension))
    backbone = Backbone(network, Preprocessing((8, 8)), WeightsInfo("as built", ""))
    methods = {name: create_method("random") for name in "abc"}
    recogniser = Recogniser("", MethodScorer(backbone, methods), torch.device("cpu"))
    numbers = np.arange(images, dtype=np.int32)
    data_set = ComparisonSet("set", range(images), numbers[:1], numbers[1:2], numbers[:1] > 0, numbers)  # type: ignore[arg-type]
    journal = Journal(folder / "results.csv")
    journal.open({}, (), restart=True)
    values, scores = torch.randn(BATCH, dimension), torch.rand(BATCH, len(methods), dtype=torch.float64)
    for index in torch.arange(images).split(BATCH):
        part = RecognisedPart(index, values[: len(index)], scores[: len(index)], [], {"a": 1.0, "": 1.0}, {})
        journal.append(RecognisedBatch(0, len(index), {}, (part,)).block())
    journal.close()

    def together() -> npt.NDArray[np.float32]:
        batches = map(RecognisedBatch.from_block, chain.from_iterable(journal.steps()))
        (((recognised,), _),) = gather([recogniser], [data_set], batches, folder)
        return recognised.embeddings

    return together, (folder / "results.csv.partial" / "0.shard").stat().st_size / MEGABYTE


def traced(step: Callable[[], Value]) -> tuple[Value, float, float]:
    """Run a step, and return what it gives, its seconds, and the peak of what it allocates in MB."""
    tracemalloc.start()
    started = time.perf_counter()
    value = step()
    seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1] / MEGABYTE
    tracemalloc.stop()
    return value, seconds, peak


def _all(yields: Callable[..., Iterable[object]], *arguments: object) -> list[object]:
    return list(yields(*arguments))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="*", default=[5_000_000])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--folder", type=Path, help="for the journal; by default that of temporary files")
    options = parser.parse_args()
    print("| step | trials | images | s | peak MB |\n" + "|---" * 5 + "|")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        together, size = gathered(options.images, options.dimension, Path(folder))
        print(f"| the journal, on disk | | {options.images:,} | | {size:.0f} |", flush=True)
        embeddings, seconds, peak = traced(together)
        print(f"| put together | | {options.images:,} | {seconds:.1f} | {peak:.0f} |", flush=True)
    for count in options.trials:
        trials, quality = synthetic(count, options.images)
        _, seconds, peak = traced(partial(compare, embeddings, trials.first, trials.second))
        print(f"| compare | {count:,} | {options.images:,} | {seconds:.1f} | {peak:.0f} |", flush=True)
        columns = (trials.scores, trials.mated, trials.first, trials.second, trials.subjects, quality)
        size = sum(column.nbytes for column in columns) / MEGABYTE
        print(f"| the trials and qualities themselves | {count:,} | {options.images:,} | | {size:.0f} |", flush=True)
        for name, step in steps(trials, quality):
            _, seconds, peak = traced(step)
            print(f"| {name} | {count:,} | {options.images:,} | {seconds:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
