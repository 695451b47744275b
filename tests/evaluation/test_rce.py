import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import rankdata

from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.error_rates import threshold_at_fmr
from froq_lightning.evaluation.rce import rank_consistency

Draw = Callable[..., tuple[Trials, np.ndarray]]


def by_loops(trials: Trials, quality: np.ndarray, fmr: float, gamma: float) -> float:
    threshold = threshold_at_fmr(trials.scores[~trials.mated], fmr)
    images = sorted({*trials.first.tolist(), *trials.second.tolist()})
    harm = []
    for image in images:
        own = [trial for trial in range(len(trials.scores)) if image in (trials.first[trial], trials.second[trial])]
        mated = [trials.scores[trial] for trial in own if trials.mated[trial]]
        others = [trials.scores[trial] for trial in own if not trials.mated[trial]]
        errors = sum(score <= threshold for score in mated) + sum(score > threshold for score in others)
        harm.append(10 * errors + max(others, default=-1.0) - min(mated, default=1.0))
    numerator = weights = 0.0
    for by_harm, by_quality in zip(rankdata(harm), rankdata(-quality[images]), strict=True):
        weight = (by_harm / len(images)) ** gamma
        numerator += weight * (by_harm - by_quality) ** 2
        weights += weight
    return 1 - 6 * numerator / ((len(images) ** 2 - 1) * weights)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gamma", [0.0, 3.0])
def test_it_equals_its_definition(seed: int, gamma: float, draw: Draw) -> None:
    trials, quality = draw(seed)
    assert rank_consistency(trials, quality, 0.05, gamma) == pytest.approx(by_loops(trials, quality, 0.05, gamma))


def test_a_missing_quality_is_the_worst(draw: Draw) -> None:
    trials, quality = draw(2)
    missing, lowest = quality.copy(), quality.copy()
    missing[::7], lowest[::7] = np.nan, -9
    assert rank_consistency(trials, missing, 0.05) == rank_consistency(trials, lowest, 0.05)


def test_it_is_not_defined_without_non_mated_trials(draw: Draw) -> None:
    trials, quality = draw(3)
    assert math.isnan(rank_consistency(trials.take(trials.mated), quality, 0.05))
    assert math.isnan(rank_consistency(trials.take(np.zeros(0, dtype=int)), quality, 0.05))
