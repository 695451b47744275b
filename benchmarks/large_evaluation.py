"""What the metrics of many comparison trials take: seconds and memory of every step of `froq test` after the passes.

    python benchmarks/large_evaluation.py [--trials 5000000] [--images 1000000]

The trials are synthetic, half of them mated, between images of 5 to a subject. Prints a table in Markdown: the peak of
what a step allocates on top of the trials and the qualities, as tracemalloc counts it.
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from froq_lightning.evaluation import evaluate as evaluation
from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.evaluation.evaluate import MetricOptions

IMAGES_OF_A_SUBJECT = 5
DIMENSION = 16
FMR = 1e-3
MEGABYTE = 2**20


def synthetic(count: int, images: int) -> tuple[Trials, Floats]:
    """Make trials, and a quality that foretells their scores."""
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


def _all(yields: Callable[..., Iterable[object]], *arguments: object) -> list[object]:
    return list(yields(*arguments))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="*", default=[5_000_000])
    parser.add_argument("--images", type=int, default=1_000_000)
    options = parser.parse_args()
    print("| step | trials | images | s | peak MB |\n" + "|---" * 5 + "|")
    for count in options.trials:
        trials, quality = synthetic(count, options.images)
        columns = (trials.scores, trials.mated, trials.first, trials.second, trials.subjects, quality)
        size = sum(column.nbytes for column in columns) / MEGABYTE
        print(f"| the trials and qualities themselves | {count:,} | {options.images:,} | | {size:.0f} |", flush=True)
        for name, step in steps(trials, quality):
            tracemalloc.start()
            started = time.perf_counter()
            step()
            seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1] / MEGABYTE
            tracemalloc.stop()
            print(f"| {name} | {count:,} | {options.images:,} | {seconds:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
