"""Oracles against straightforward computations, and what they promise."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate, evaluate_oracles
from froq_lightning.evaluation.oracles import PERFECT, SUBJECT_MEAN, subject_mean_quality
from froq_lightning.evaluation.outcome import Result

Draw = Callable[..., tuple[Trials, np.ndarray]]


def theoretical_curve(fnmr: float, fractions: np.ndarray) -> np.ndarray:
    """FNMR where the false non-matches are discarded first."""
    return np.maximum(fnmr - fractions, 0) / (1 - fractions)


GENERATOR = np.random.default_rng(0)
EMBEDDINGS = GENERATOR.normal(size=(100, 8)).astype(np.float32)


def evaluated(trials: Trials, **options: object) -> dict[tuple[str, str], Result]:
    results = evaluate_oracles("set", trials, EMBEDDINGS, MetricOptions(fmr=(0.05,), **options))  # type: ignore[arg-type]
    return {(result.method, result.convention): result for result in results}


def test_the_perfect_curve_is_the_analytic_one_and_no_quality_is_below(draw: Draw) -> None:
    trials, quality = draw(0, levels=4)
    found = evaluated(trials)
    for name in ("froq", "iso"):
        perfect = found[PERFECT, name]
        expected = theoretical_curve(perfect.fnmr, np.array(perfect.fractions))
        exact = np.floor(np.array(perfect.fractions) * perfect.mated + 1e-9) / perfect.mated
        np.testing.assert_allclose(perfect.curve, theoretical_curve(perfect.fnmr, exact), atol=1e-12)
        assert np.all(np.array(perfect.curve) >= expected - 1e-12), "whole trials are discarded"
        (mine,) = evaluate("set", trials, {"mine": quality}, MetricOptions(conventions=(name,), fmr=(0.05,)))
        assert perfect.value < found[SUBJECT_MEAN, name].value
        assert perfect.value < mine.value
        assert perfect.threshold == mine.threshold


def test_oracles_have_results_in_the_conventions_with_a_curve_and_the_perfect_one_at_a_fixed_threshold(
    draw: Draw,
) -> None:
    conventions = ("froq", "cr-fiqa", "iso", "rce", {"preset": "froq", "normalise": "best", "name": "above the best"})
    found = evaluated(draw(1)[0], conventions=conventions)
    assert list(found) == [
        (PERFECT, "froq"),
        (PERFECT, "iso"),
        (PERFECT, "above the best"),
        (SUBJECT_MEAN, "froq"),
        (SUBJECT_MEAN, "cr-fiqa"),
        (SUBJECT_MEAN, "iso"),
        (SUBJECT_MEAN, "above the best"),
    ]
    assert found[PERFECT, "above the best"].value == pytest.approx(0, abs=1e-12)


def test_oracles_have_intervals_as_methods_have(draw: Draw) -> None:
    for result in evaluated(draw(2)[0], bootstrap=20, conventions=("froq", "iso")).values():
        assert result.low <= result.value <= result.high
        assert len(result.curve) == len(result.curve_low) == len(result.curve_high)


def test_an_image_is_compared_with_the_mean_of_the_other_images_of_its_subject() -> None:
    sizes = [1, 2, 30, 20_000, *([7] * 3_000)]  # in all, more than are read at once
    subjects = GENERATOR.permutation(np.repeat(np.arange(-3, len(sizes) - 3), sizes))
    embeddings = GENERATOR.normal(size=(len(subjects), 4)).astype(np.float32)
    missing = np.flatnonzero(np.isin(subjects, [0, 1]))[:50]
    embeddings[missing[::2]], embeddings[missing[1::2]] = np.nan, 0
    quality = subject_mean_quality(embeddings, subjects)
    assert np.isnan(quality[missing]).all()
    assert quality[subjects == -3] == math.inf, "nothing speaks against it"
    known = np.setdiff1d(np.arange(len(subjects)), missing)
    for place in (*np.flatnonzero((subjects == -2) | (subjects == -1)), *known[subjects[known] >= 0][::1500]):
        others = known[(subjects[known] == subjects[place]) & (known != place)]
        mean = torch.nn.functional.normalize(torch.from_numpy(embeddings[others]).double()).mean(dim=0)
        cosine = torch.nn.functional.cosine_similarity(mean, torch.from_numpy(embeddings[place]).double(), dim=0)
        assert quality[place] == pytest.approx(float(cosine), abs=1e-9)


def test_trials_of_an_image_without_mates_go_by_their_other_image() -> None:
    subjects, scores = np.array([0, 0, 0, 1, 2]), np.array([0.9, 0.2, 0.5, 0.1])
    trials = Trials(
        scores, np.array([True, True, True, False]), np.array([0, 0, 1, 0]), np.array([1, 2, 2, 3]), subjects
    )
    options = MetricOptions(conventions=("cr-fiqa",), fmr=(0.5,))
    (result,) = evaluate_oracles("set", trials, EMBEDDINGS[:5], options)
    assert result.unscored == 0


def test_no_images_have_no_quality() -> None:
    assert not len(subject_mean_quality(EMBEDDINGS[:0], np.zeros(0, dtype=int)))
