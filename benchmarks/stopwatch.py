"""Times of actions that take turns, so that whatever else the machine does strikes all of them."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch


def timed(*actions: Callable[[], object], runs: int, warm_ups: int = 1) -> list[list[float]]:
    """Run the actions in turn; return the seconds of each run of each, but not of the warm-up rounds."""
    seconds: list[list[float]] = [[] for _ in actions]
    for run in range(runs + warm_ups):
        for action, taken in zip(actions, seconds, strict=True):
            start = time.perf_counter()
            action()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if run >= warm_ups:
                taken.append(time.perf_counter() - start)
    return seconds


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Median of the ratios of neighbouring runs."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))
