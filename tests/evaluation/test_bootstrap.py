from collections.abc import Callable

import numpy as np

from froq_lightning.evaluation.bootstrap import subject_interval
from froq_lightning.evaluation.comparisons import Integers, Trials

Draw = Callable[..., tuple[Trials, np.ndarray]]


def test_a_trial_counts_as_often_as_its_subjects_were_drawn() -> None:
    trials = Trials(
        np.array([0.1, 0.2, 0.3]),
        np.array([True, True, False]),
        np.array([0, 2, 0]),
        np.array([1, 3, 2]),
        np.array([4, 4, 9, 9]),
    )
    counts = set()

    def figure(positions: Integers) -> float:
        counts.add(tuple(np.bincount(positions, minlength=3).tolist()))
        return float(len(positions))

    assert subject_interval(trials, figure, 50, seed=0) == (2, 3)
    # Two subjects drawn twice: each once, or one of them twice and then no trial between the two.
    assert counts == {(1, 1, 1), (2, 0, 0), (0, 2, 0)}


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        effect = generator.normal(size=40)  # of the subject: its trials are alike
        subjects = np.repeat(np.arange(40), 2)
        first = np.repeat(np.arange(0, 80, 2), 10)
        scores = effect[first // 2] + 0.3 * generator.normal(size=400)
        trials = Trials(scores, np.ones(400, dtype=bool), first, first + 1, subjects)
        low, high = subject_interval(trials, lambda kept, scores=scores: float(np.mean(scores[kept])), 200, seed)
        covered += low <= 0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_without_a_single_finite_figure_there_is_no_interval(draw: Draw) -> None:
    low, high = subject_interval(draw(0)[0], lambda _: float("nan"), 3, seed=0)
    assert np.isnan(low)
    assert np.isnan(high)
