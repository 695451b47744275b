"""How well clusters of embeddings find subjects, and what many images take.

    python benchmarks/clusters.py --shared DIR [--images 100000]

The similarity above which clusters are joined is chosen on half of the subjects by F1 of pairs of images, and reported
on the other half, on all, and on degraded versions of all. Prints a table in Markdown. `--images` also times so many
made-up embeddings.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scored_faces import Sets, halves, scored_sets

from froq_lightning.data.comparison_set import connected
from froq_lightning.evaluation.comparisons import Floats, Integers
from froq_lightning.subjects.clusters import cluster

SIMILARITIES = tuple(np.round(np.arange(0.15, 0.66, 0.025), 3).tolist())
QUALITY = 30


def average(units: Floats, same_above: float) -> Integers:
    """Average linkage, as `froq select` does it."""
    return cluster(units.astype(np.float32), same_above)


def single(units: Floats, same_above: float) -> Integers:
    """Single linkage, for comparison: connected components of pairs that are more alike."""
    one, other = np.nonzero(np.triu(units @ units.T, 1) > same_above)
    return connected(len(units), one, other)


def pair_rates(labels: Integers, subjects: Integers) -> tuple[float, float]:
    """Precision and recall of the pairs of images that are in one cluster."""

    def pairs(numbers: Integers) -> int:
        counts = np.unique(numbers, return_counts=True, axis=0)[1]
        return int((counts * (counts - 1) // 2).sum())

    both = pairs(np.stack([labels, subjects], axis=1))
    return both / max(pairs(labels), 1), both / max(pairs(subjects), 1)


def f1(labels: Integers, subjects: Integers) -> float:
    """Harmonic mean of both."""
    precision, recall = pair_rates(labels, subjects)
    return 2 * precision * recall / max(precision + recall, 1e-9)


def report(network: str, sets: Sets, linkage: Callable[[Floats, float], Integers]) -> None:
    """Choose the similarity, and print the rows of a network and a linkage."""
    choosing, reporting = halves(sets["faces"].subjects, 1)
    half, degraded = sets["faces"].take(choosing), sets["faces_degraded"]
    rates = [f1(linkage(half.units, same), half.subjects) for same in SIMILARITIES]
    same = SIMILARITIES[int(np.argmax(rates))]
    images = {"other half": sets["faces"].take(reporting), "all": sets["faces"], "all, degraded": degraded}
    images[f"of these, quality {QUALITY} or more"] = degraded.take(np.flatnonzero(degraded.quality >= QUALITY))
    for name, faces in images.items():
        labels = linkage(faces.units, same)
        precision, recall = pair_rates(labels, faces.subjects)
        counts = f"{len(labels):,} | {faces.subjects.max() + 1} | {labels.max() + 1}"
        rates_ = f"{precision:.3f} | {recall:.3f}"
        print(f"| {network} | {linkage.__name__} | {same:g} | {name} | {counts} | {rates_} |", flush=True)


def report_size(images: int) -> None:
    """Time and memory of clustering many made-up embeddings of 512 components, four of every subject."""
    generator = np.random.default_rng(0)
    vectors = np.repeat(generator.standard_normal((images // 4, 512), dtype=np.float32), 4, axis=0)
    for row in range(0, images, 1000):  # in parts, so that the peak is that of clustering
        part = vectors[row : row + 1000]
        np.add(part, 0.8 * generator.standard_normal(part.shape, dtype=np.float32), out=part)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    labels = cluster(vectors, 0.35)
    seconds, grown = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"\n{images:,} images: {labels.max() + 1:,} clusters of {images // 4:,} subjects in {seconds:.0f} s")
    print(f"{grown / 1024:.0f} MB on top of {vectors.nbytes / 2**20:.0f} MB of embeddings")


def main() -> None:
    """Run all networks and both linkages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--network", nargs="*", default=["edgeface_xxs", "mobilefacenet"])
    parser.add_argument("--images", type=int, default=0)
    parsed = parser.parse_args()
    all_sets = scored_sets(parsed.shared, parsed.network)
    print("\n| network | linkage | same above | images | number | subjects | clusters | precision | recall |")
    print("|---" * 9 + "|")
    for network, sets in all_sets.items():
        for linkage in (average, single):
            report(network, sets, linkage)
    if parsed.images:
        report_size(parsed.images)


if __name__ == "__main__":
    main()
