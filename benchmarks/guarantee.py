"""Do the bounds and thresholds of `froq threshold` hold? Simulated on trials of which everything is known.

    froq test pairs.csv --trials trials.csv
    python benchmarks/guarantee.py trials.csv

The subjects of the trials are taken for all that there are. Samples of them are drawn with replacement, a threshold is
decided on each, and what it does is compared with the truth: with all trials. In a second simulation the subjects are
split into halves, and a threshold that was decided on one is tried on all, and on the other half.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from froq_lightning.evaluation.bounds import rate_by_subjects, upper_bound
from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.discarding import Discarding
from froq_lightning.evaluation.error_rates import threshold_at_fmr
from froq_lightning.evaluation.thresholds import Decision, Targets, decisions
from froq_lightning.sources.scored_trials import read_scored_trials


class Population:
    """Mated trials with qualities, of which samples by subject are drawn."""

    def __init__(self, path: Path, data_set: str | None, column: str, fmr: float) -> None:
        scored = read_scored_trials(path, data_set)
        self.quality = scored.qualities[column]
        trials = scored.trials.take(np.isfinite(scored.trials.scores))
        self.threshold = threshold_at_fmr(trials.scores[~trials.mated], fmr)
        self.mated, self.non_mated = trials.take(trials.mated), trials.take(~trials.mated)
        of_trials = self.mated.subjects[self.mated.first]
        self.by_subject = [np.flatnonzero(of_trials == subject) for subject in np.unique(of_trials)]

    def view(self, drawn: np.ndarray) -> Discarding:
        """View the trials of some subjects; one that is drawn twice is two subjects."""
        places = [self.by_subject[subject] for subject in drawn]
        which = np.repeat(np.arange(len(places)), [len(each) for each in places])
        trials, images = np.concatenate(places), len(self.mated.subjects)
        # Images of a subject's second appearance are other images.
        used, number = np.unique(
            np.concatenate([which * images + side[trials] for side in (self.mated.first, self.mated.second)]),
            return_inverse=True,
        )
        first, second = np.split(number, 2)
        sample = Trials(self.mated.scores[trials], np.ones(len(trials), bool), first, second, used // images)
        return Discarding(sample, self.quality[used % images], self.threshold)


def coverage(population: Population, size: int, samples: int, rng: np.random.Generator) -> Iterator[str]:
    """Yield how often bounds on the FNMR hold, ours and that of independent trials."""
    everybody = population.view(np.arange(len(population.by_subject)))
    for quality in (everybody.candidates(0.3)[place] for place in (0, 10, 30)):
        truth = everybody.fnmr(quality).value
        ours, independent, high = 0, 0, []
        for _ in range(samples):
            rate = population.view(rng.integers(len(population.by_subject), size=size)).fnmr(quality)
            ours += rate.high >= truth
            independent += rate.trials > 0 and upper_bound(rate.events, rate.trials) >= truth
            high.append(rate.high)
        share = everybody.discarded(quality).value
        yield (
            f"| {size} | {100 * share:.0f} % | {100 * truth:.2f} % | {100 * ours / samples:.1f} % | "
            f"{100 * independent / samples:.1f} % | {np.median(high) / truth if truth else float('nan'):.2f} |"
        )


def coverage_of_fmr(population: Population, samples: int, rng: np.random.Generator) -> str:
    """Say how often bounds on the FMR hold in samples of subjects; a trial is there for every pair of their draws."""
    trials = population.non_mated
    first, second = trials.subjects[trials.first], trials.subjects[trials.second]
    matches, size = trials.scores > population.threshold, int(max(first.max(), second.max())) + 1
    truth, holds = matches.mean(), []
    for _ in range(samples):
        drawn = np.bincount(rng.integers(size, size=size), minlength=size)
        places = np.repeat(np.arange(len(matches)), drawn[first] * drawn[second])
        rate = rate_by_subjects(matches[places], first[places], second[places])
        holds.append((rate.low <= truth, truth <= rate.high))
    low, high = 100 * np.mean(holds, axis=0)
    return (
        f"FMR {100 * truth:.2g} %: the lower bound holds in {low:.1f} %, the upper one in {high:.1f} % of the samples"
    )


def kept_promises(
    population: Population, targets: Targets, draw: Callable[[], tuple[np.ndarray, np.ndarray]], samples: int
) -> Iterator[str]:
    """Yield how often a target is reached that was said to be certain, on the subjects that are given with a sample."""
    certain: dict[str, int] = {}
    broken: dict[str, int] = {}
    for _ in range(samples):
        sample, others = draw()
        truth = population.view(others)
        for decision in decisions(population.view(sample), targets):
            certain.setdefault(decision.target, 0)
            broken.setdefault(decision.target, 0)
            if decision.point is not None:
                certain[decision.target] += 1
                broken[decision.target] += not _is_reached(truth, decision, targets)
    for target, count in certain.items():
        kept = 1 - broken[target] / samples
        yield f"| {target} | {100 * count / samples:.1f} % | {100 * kept:.1f} % |"


def _is_reached(truth: Discarding, decision: Decision, targets: Targets) -> bool:
    assert decision.point is not None
    quality = decision.point.quality
    if decision.target.startswith("FNMR"):
        return truth.fnmr(quality).value <= (targets.max_fnmr or 0)
    if decision.target.endswith("FNMR"):
        return truth.relative_fnmr(quality)[0] <= (targets.fnmr_factor or 0)
    return truth.discarded(quality).value <= (targets.max_discard or 0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", type=Path)
    parser.add_argument("--data-set")
    parser.add_argument("--column", default="froq", help="of the qualities")
    parser.add_argument("--fmr", type=float, default=1e-3)
    parser.add_argument("--max-fnmr", type=float, default=0.03)
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    population, rng = (
        Population(options.trials, options.data_set, options.column, options.fmr),
        np.random.default_rng(0),
    )
    count = len(population.by_subject)
    print("| subjects | discarded | FNMR | bound holds | of independent trials | median bound / FNMR |")
    print("|---|---|---|---|---|---|")
    for size in (100, count):
        print("\n".join(coverage(population, size, options.samples, rng)))
    print(f"\n{coverage_of_fmr(population, options.samples, rng)}")
    targets = replace(Targets(), max_fnmr=options.max_fnmr, max_discard=0.05)
    everybody = np.arange(count)

    def halves() -> tuple[np.ndarray, np.ndarray]:
        order = rng.permutation(count)
        return order[: count // 2], order[count // 2 :]

    for title, draw in (
        ("samples with replacement, against all", lambda: (rng.integers(count, size=count), everybody)),
        ("halves, against all", lambda: (halves()[0], everybody)),
        ("halves, against the other half", halves),
    ):
        print(f"\n{title}\n| target | said to be certain | not broken |\n|---|---|---|")
        print("\n".join(kept_promises(population, targets, draw, options.samples)))


if __name__ == "__main__":
    main()
