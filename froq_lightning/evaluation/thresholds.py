"""From a quality score to a decision: below which quality images are discarded, and how certain the effect of it is."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import takewhile

import numpy as np

from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.bounds import Rate, percent
from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.evaluation.discarding import STEP, Discarding, OperatingPoint

TABLE = (0.01, 0.05, 0.1)
# So many times the subjects are looked at where the trials cannot support a claim.
MOST_REPEATS = 10_000


@dataclass(frozen=True)
class Targets:
    """What discarding images of low quality is to reach, each on its own.

    Args:
        max_fnmr: false non-match rate at most, 0..1.
        max_discard: share of the images that may be discarded at most, 0..1.
        fnmr_factor: false non-match rate at most, as a multiple of that before; 0.5 halves it.
        most_discarded: for the other two: the largest share of images that is thought of, 0..1.
    """

    max_fnmr: float | None = None
    max_discard: float | None = None
    fnmr_factor: float | None = 0.5
    most_discarded: float = 0.3

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not 0 < value < 1:
                raise ConfigurationError(f"Expected `{field.name}` to be between 0 and 1, but got {value}")


@dataclass(frozen=True)
class Decision:
    """The quality threshold for a target.

    Args:
        target: in words.
        point: at the threshold for which the target holds with 95 % confidence; None if there is none.
        estimate: at the threshold for which the target holds on these trials; None if there is none.
        refusal: why nothing is certain, and how many trials would do; empty if it is.
    """

    target: str
    point: OperatingPoint | None
    estimate: OperatingPoint | None
    refusal: str = ""


@dataclass(frozen=True)
class ThresholdResult:
    """Quality thresholds of a method on a data set.

    Args:
        threshold: comparison score that a match exceeds.
        before: without discarding.
        table: after discarding the worst 1 %, 5 % and 10 % of the images.
        decisions: for the targets.
    """

    threshold: float
    before: OperatingPoint
    table: tuple[OperatingPoint, ...]
    decisions: tuple[Decision, ...]


def quality_thresholds(trials: Trials, quality: Floats, threshold: float, targets: Targets) -> ThresholdResult:
    """Find the quality thresholds for targets, and what discarding 1 %, 5 % and 10 % of the images does.

    Args:
        trials: those with a NaN score are left out.
        quality: `[U]` of the images (or templates), higher is better, NaN where it is missing.
        threshold: comparison score that a match exceeds.
        targets: that are to be reached.

    Raises:
        ConfigurationError: if the comparison threshold is no finite number.
        DataError: without mated trials, or without non-mated ones, or if no image in them has a quality.
    """
    usable = trials.scored()
    for kind, count in (("mated", usable.mated.sum()), ("non-mated", (~usable.mated).sum())):
        if not count:
            raise DataError(f"Expected mated and non-mated trials with comparison scores, but got no {kind} ones")
    if not math.isfinite(threshold):
        raise ConfigurationError(f"Expected a finite comparison threshold, but got {threshold:g}")
    view = Discarding(usable, quality, threshold)
    ascending = np.sort(view.quality[view.images])
    if not np.isfinite(ascending).any():
        raise DataError(f"Expected qualities of the images in the trials, but none of {len(ascending):,} has one")
    table = [view.at(float(ascending[int(share * len(ascending))])) for share in TABLE]
    return ThresholdResult(threshold, view.at(-math.inf), tuple(table), tuple(decisions(view, targets)))


def decisions(view: Discarding, targets: Targets) -> Iterator[Decision]:
    """Yield the decisions for targets."""
    candidates = view.candidates(targets.most_discarded)
    if targets.max_fnmr is not None:
        yield _max_fnmr(view, candidates, targets.max_fnmr, f"FNMR of at most {percent(targets.max_fnmr)}")
    if targets.fnmr_factor is not None:
        words = "half" if targets.fnmr_factor == 0.5 else f"{targets.fnmr_factor:.3g} times"
        yield _reduced_fnmr(view, candidates, targets.fnmr_factor, f"{words} the FNMR")
    if targets.max_discard is not None:
        words = f"at most {percent(targets.max_discard)} of the images discarded"
        yield _max_discard(view, targets.max_discard, words)


def _max_fnmr(view: Discarding, candidates: Sequence[float], limit: float, target: str) -> Decision:
    estimate = next((quality for quality in candidates if view.fnmr(quality).value <= limit), None)
    # Fixed-sequence testing (Learn then Test, arXiv 2110.01052, sec. 2.4): thresholds are tested from the strictest on
    # at the full level, until one fails. Where to begin is decided without a look at the errors: where the bound would
    # be half of the limit, or else the limit, if there were none.
    bounds = {quality: view.bound_without_errors(quality) for quality in candidates}
    half, whole = ([each for each in candidates if bounds[each] <= most] for most in (limit / 2, limit))
    sequence = half or whole or candidates[-1:]
    certain = _last(reversed(sequence), lambda quality: view.fnmr(quality).high <= limit)
    refusal = "" if certain is not None else _fnmr_refusal(view, sequence[-1], limit)
    return _decision(view, target, certain, estimate, refusal)


def _reduced_fnmr(view: Discarding, candidates: Sequence[float], factor: float, target: str) -> Decision:
    if not view.fnmr(-math.inf).events:
        return Decision(target, None, None, "there are no false non-matches: nothing to reduce")
    estimate = next((quality for quality in candidates if view.relative_fnmr(quality)[0] <= factor), None)
    certain = _last(reversed(candidates), lambda quality: view.relative_fnmr(quality)[1] <= factor)
    refusal = ""
    if certain is None:
        value, high = view.relative_fnmr(candidates[-1])
        if not math.isfinite(high):
            few = f"{view.fnmr(-math.inf).trials:,} mated trials of {view.fnmr(-math.inf).subjects:,} subjects"
            return _decision(view, target, None, estimate, f"{few} are too few for it")
        enough = _repeats(lambda repeats: view.relative_fnmr(candidates[-1], repeats)[1] <= factor)
        refusal = (
            f"with {percent(view.discarded(candidates[-1]).value)} of the images discarded, the FNMR is {value:.2f} "
            f"times that before, and may be {high:.2f} times; {_wanted(view.fnmr(-math.inf), enough)}"
        )
    return _decision(view, target, certain, estimate, refusal)


def _max_discard(view: Discarding, limit: float, target: str) -> Decision:
    # That discarding nothing is below the limit says nothing.
    candidates = view.candidates(limit + STEP)[1:]
    estimates = [quality for quality in candidates if view.discarded(quality).value <= limit]
    # The share grows with the threshold, so that the first failure ends the search for good (RCPS, arXiv 2101.02703).
    certain = _last(candidates, lambda quality: view.discarded(quality).high <= limit)
    none = view.discarded(-math.inf)
    refusal = "" if certain is not None else f"{none.trials} images of {none.subjects} subjects are too few for it"
    return _decision(view, target, certain, estimates[-1] if estimates else None, refusal)


def _decision(view: Discarding, target: str, certain: float | None, estimate: float | None, refusal: str) -> Decision:
    point, estimated = (None if quality is None else view.at(quality) for quality in (certain, estimate))
    return Decision(target, point, estimated, refusal)


def _last(candidates: Iterable[float], holds: Callable[[float], bool]) -> float | None:
    """Return the last of the candidates before the first for which something does not hold."""
    return next(iter(deque(takewhile(holds, candidates), maxlen=1)), None)


def _fnmr_refusal(view: Discarding, quality: float, limit: float) -> str:
    rate, discarded = view.fnmr(quality), view.discarded(quality).value
    enough = _repeats(lambda repeats: view.fnmr(quality, repeats).high <= limit)
    return (
        f"with {percent(discarded)} of the images discarded, the FNMR is {percent(rate.value)}, and may be "
        f"{percent(rate.high)}; {_wanted(rate, enough)}"
    )


def _repeats(holds: Callable[[int], bool]) -> int | None:
    """Find how many times the subjects are enough, by halving; None if no number up to the most is."""
    low, high = 1, 2
    while not holds(high):
        low, high = high, 2 * high
        if high > MOST_REPEATS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _wanted(rate: Rate, repeats: int | None) -> str:
    have = f"here are {rate.trials:,} of {rate.subjects:,}"
    if repeats is None:
        return f"more mated trials would not change that ({have} subjects)"
    return f"about {repeats * rate.trials:,} mated trials of {repeats * rate.subjects:,} subjects would do ({have})"
