"""What quality gains where the images of a subject are joined to one template.

    python benchmarks/templates.py --shared DIR

Each network is calibrated on the calibration set in DIR, and scores and embeds `faces/` and `faces_degraded/`. Every
image of a subject with three images or more is compared with the template that the subject's other images make, and
with the templates of all other subjects: FNMR at the threshold of the method's own FMR of 1e-3. The weights are chosen
on half of the subjects, and all figures in the table, in Markdown, are those of the other half, with 95 % intervals of
the difference to the plain mean from 500 bootstrap samples of subjects. `mixed` takes every image from either set at
random, and is the mean of five draws.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scored_faces import Faces, Sets, halves, scored_sets

from froq_lightning.evaluation.comparisons import Floats, Integers
from froq_lightning.evaluation.error_rates import threshold_at_fmr
from froq_lightning.subjects.templates import join_templates, quality_weights

FMR = 1e-3
DRAWS = 5  # of which images are degraded, in `mixed`
SAMPLES = 500
POWERS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
Weigh = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Comparisons:
    """Mated scores `[N]` by probe, non-mated ones `[N, S]` (NaN for the own subject), and the subjects of probes."""

    mated: Floats
    non_mated: Floats
    subjects: Integers

    def fnmr(self) -> float:
        """FNMR at the FMR."""
        threshold = threshold_at_fmr(self.non_mated[np.isfinite(self.non_mated)], FMR)
        return float(np.mean(self.mated <= threshold))

    def resampled(self) -> Iterator[float]:
        """Yield the FNMR of bootstrap samples of subjects; the seed is that of all methods, so that they pair."""
        generator, count = np.random.default_rng(0), self.non_mated.shape[1]
        probe, template = np.nonzero(np.isfinite(self.non_mated))
        order = np.argsort(-self.non_mated[probe, template])
        scores = self.non_mated[probe, template][order]
        first, second = self.subjects[probe][order], template[order]
        for _ in range(SAMPLES):
            drawn = np.bincount(generator.integers(count, size=count), minlength=count)
            matches = np.cumsum(drawn[first] * drawn[second])
            threshold = scores[np.searchsorted(matches, FMR * matches[-1], side="right")]
            yield float(np.average(self.mated <= threshold, weights=drawn[self.subjects]))


def compared(faces: Faces, weigh: Weigh | None) -> Comparisons:
    """Compare every image with the template of its subject's other images, and with those of the other subjects.

    Args:
        faces: the images.
        weigh: weights from quality; None takes the image of the best score for the template.
    """
    if weigh is None:
        vectors = np.empty_like(faces.units)
        ranked = np.lexsort((-faces.scores, faces.subjects))
        first = ranked[np.flatnonzero(np.diff(faces.subjects[ranked], prepend=-1))]
        second = ranked[np.flatnonzero(np.diff(faces.subjects[ranked], prepend=-1)) + 1]
        vectors = faces.units[first[faces.subjects]]
        vectors[first] = faces.units[second]
        templates = faces.units[first]
    else:
        weights = weigh(faces.quality)
        templates = join_templates(faces.units.astype(np.float32), weights, faces.subjects.astype(np.int64)).astype(
            np.float64
        )
        sums = np.zeros((len(templates), faces.units.shape[1]))
        np.add.at(sums, faces.subjects, weights[:, None] * faces.units)
        vectors = sums[faces.subjects] - weights[:, None] * faces.units
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    non_mated = faces.units @ templates.T
    non_mated[np.arange(len(faces.subjects)), faces.subjects] = np.nan
    return Comparisons(np.einsum("nd,nd->n", faces.units, vectors), non_mated, faces.subjects)


def conditions(sets: Sets, places: Integers) -> dict[str, list[Faces]]:
    """Return the sets of images of every condition."""
    clean, degraded = sets["faces"].take(places), sets["faces_degraded"].take(places)
    mixed = [clean.mixed(degraded, seed) for seed in range(DRAWS)]
    return {"clean": [clean], "degraded": [degraded], "mixed": mixed}


def mean_fnmr(sets: list[Faces], weigh: Weigh | None) -> float:
    """Mean FNMR over the draws of a condition."""
    return float(np.mean([compared(faces, weigh).fnmr() for faces in sets]))


def report_templates(all_sets: dict[str, Sets]) -> None:
    """Choose the weights on one half of the subjects, and report on the other."""
    ratios: dict[float, list[float]] = {power: [] for power in POWERS}
    for sets in all_sets.values():
        choosing, _ = halves(sets["faces"].subjects, 3)
        for name, draws in conditions(sets, choosing).items():
            plain = mean_fnmr(draws, np.ones_like)
            for power in POWERS if name != "clean" else ():
                ratios[power].append(mean_fnmr(draws, partial(quality_weights, power=power)) / plain)
    means = {power: float(np.mean(values)) for power, values in ratios.items()}
    chosen = min(means, key=means.__getitem__)
    print("\nFNMR over that of the plain mean, choosing half, mean of degraded and mixed images of all networks: ")
    print(", ".join(f"power {power:g}: {mean:.3f}" for power, mean in means.items()) + f"; chosen: {chosen:g}\n")
    print("| network | images | probes | plain mean | weighted mean | difference | best only | difference |")
    print("|---" * 8 + "|")
    methods: tuple[Weigh | None, ...] = (np.ones_like, partial(quality_weights, power=chosen), None)
    for network, sets in all_sets.items():
        _, reporting = halves(sets["faces"].subjects, 3)
        for name, draws in conditions(sets, reporting).items():
            plain, weighted, best = (mean_fnmr(draws, weigh) for weigh in methods)
            samples = [
                np.mean([list(compared(faces, weigh).resampled()) for faces in draws], axis=0) for weigh in methods
            ]
            (low, high), (low_best, high_best) = (
                np.quantile(other - samples[0], [0.025, 0.975]) for other in samples[1:]
            )
            print(
                f"| {network} | {name} | {len(reporting):,} | {plain:.2%} | {weighted:.2%} | {low:+.2%} .. {high:+.2%} "
                f"| {best:.2%} | {low_best:+.2%} .. {high_best:+.2%} |",
                flush=True,
            )


def main() -> None:
    """Run all networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--network", nargs="*", default=["edgeface_xxs", "mobilefacenet"])
    parsed = parser.parse_args()
    report_templates(scored_sets(parsed.shared, parsed.network))


if __name__ == "__main__":
    main()
