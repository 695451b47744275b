import dataclasses
import math
import re

import numpy as np
import pytest
import torch

from froq_lightning.calibration.selection import Step
from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate, evaluate_oracles
from froq_lightning.evaluation.outcome import Result
from froq_lightning.reporting.chart import spread_out
from froq_lightning.reporting.error_curves import POINTS, edc_chart
from froq_lightning.reporting.palette import LIGHT, Stroke
from froq_lightning.reporting.sections.distributions import quality_histogram, score_histogram
from froq_lightning.reporting.sections.greedy_search import trajectory_chart
from froq_lightning.reporting.sections.score_agreement import rank_chart, rank_shares, scale_histogram, value_chart

STROKE = Stroke.of(0)


def trials(count: int, *, errors: bool = True) -> Trials:
    """Trials between images of their own, half of them mated."""
    generator = np.random.default_rng(0)
    mated = np.arange(count) % 2 == 0
    scores = generator.random(count) * 0.6 + mated * (0.4 if errors else 2.0)
    places = np.arange(2 * count)
    return Trials(scores, mated, places[:count], places[count:], places)


def result(convention: str, count: int, *, errors: bool = True) -> Result:
    quality = np.random.default_rng(1).random(2 * count)
    figures = MetricOptions((convention,), (0.01,))
    return next(evaluate("set", trials(count, errors=errors), {"mine": quality}, figures))


def lines(drawing: str) -> dict[str, list[tuple[float, float]]]:
    """Points of the lines of a chart, by the colour and dashes they are drawn with."""
    found = re.findall(r'<path d="([^"]*)"[^>]*style="(fill: none; stroke[^"]*)"', drawing)
    return {style: [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path)] for path, style in found}


def drawing(one: Result) -> str:
    return edc_chart({"mine": one}, create_convention(one.convention), {"mine": STROKE})


def oracles(convention: str, count: int) -> dict[str, Result]:
    embeddings = np.random.default_rng(2).normal(size=(2 * count, 8)).astype(np.float32)
    some = dataclasses.replace(trials(count), subjects=np.arange(2 * count) // 4)
    figures = MetricOptions((convention,), (0.01,))
    return {each.method: each for each in evaluate_oracles("set", some, embeddings, figures)}


def marked(chart: str) -> dict[str, list[str]]:
    """The paths of a chart, by the class of what they are drawn of."""
    found: dict[str, list[str]] = {}
    for classes, content in re.findall(r'<g class="curve ([ \w-]+)">(.*?)</g>', chart, re.DOTALL):
        found.setdefault(classes, []).extend(re.findall(r'<path d="([^"]*)"', content))
    return found


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path)]


@pytest.mark.parametrize("convention", ["froq", "cr-fiqa", "iso"])
def test_a_chart_has_the_curve_between_the_oracles_and_chance(convention: str) -> None:
    one = result(convention, 2000)
    chart = edc_chart({"mine": one}, create_convention(convention), {"mine": STROKE}, oracles(convention, 2000))
    drawn = {mark: points(paths[0]) for mark, paths in marked(chart).items()}
    has_perfect = {"reference-perfect"} if convention != "cr-fiqa" else set()
    assert set(drawn) == {STROKE.mark, "reference-mean", "reference-chance"} | has_perfect
    curve, chance = drawn[STROKE.mark], drawn["reference-chance"]
    assert len(curve) > 15
    assert len({y for _, y in chance}) == 1
    assert chance[0][1] == pytest.approx(curve[0][1], abs=0.02)
    if perfect := drawn.get("reference-perfect"):
        assert curve[0] == pytest.approx(perfect[0], abs=0.02)
        foot = max(y for _, y in perfect)
        assert perfect[-1][1] == foot, "further down is larger in SVG"
        assert [y for _, y in perfect] == sorted(y for _, y in perfect)


@pytest.mark.parametrize("convention", ["froq", "cr-fiqa", "iso"])
def test_intervals_are_shaded_around_their_line(convention: str) -> None:
    some = dataclasses.replace(trials(400), subjects=np.arange(800) // 8)
    options = MetricOptions((convention,), (0.01,), bootstrap=20)
    quality = {name: np.random.default_rng(seed).random(800) for seed, name in enumerate(("mine", "other"))}
    found = {each.method: each for each in evaluate("set", some, quality, options)}
    strokes = {"mine": STROKE, "other": Stroke.of(1)}
    drawn = marked(edc_chart(found, create_convention(convention), strokes, oracles(convention, 400)))
    for stroke in strokes.values():
        (line,), (band,) = drawn[stroke.mark], drawn[f"{stroke.mark} interval"]
        ends: dict[float, list[float]] = {}
        for x, y in points(band):
            ends.setdefault(x, []).append(y)
        inside = [min(ends[x]) - 0.5 <= y <= max(ends[x]) + 0.5 for x, y in points(line) if x in ends]
        assert len(inside) > 10
        assert np.mean(inside) > 0.9, "of single points the curve may lie beyond its percentile interval"
    assert not any("reference" in mark and "interval" in mark for mark in drawn)


def test_a_curve_of_many_steps_is_thinned() -> None:
    one = result("iso", 60_000)
    assert len(one.curve) > POINTS
    chart = drawing(one)
    (curve,) = (points for style, points in lines(chart).items() if "--series-0" in style)
    assert 50 < len(curve) <= 2 * (POINTS + 1)
    assert len(chart) < 20_000


@pytest.mark.parametrize(("convention", "errors"), [("froq", False), ("rce", True)])
def test_there_is_no_chart_without_errors_or_without_curves(convention: str, *, errors: bool) -> None:
    assert not drawing(result(convention, 200, errors=errors))


def test_methods_beyond_the_colours_are_told_apart_by_dashes() -> None:
    strokes = [Stroke.of(number) for number in range(3 * len(LIGHT))]
    assert len({(stroke.colour, stroke.dashes) for stroke in strokes}) == 3 * len(LIGHT)
    one = result("froq", 500)
    chart = edc_chart({"a": one, "b": one}, create_convention("froq"), {"a": strokes[0], "b": strokes[len(LIGHT)]})
    styles = [style for style in lines(chart) if "--series-0" in style]
    assert ["dasharray" in style for style in styles] == [False, True]


def test_scores_are_drawn_with_their_thresholds_in_a_small_drawing_without_its_name() -> None:
    chart = score_histogram(trials(2_000_000), {0.1: 0.55, 0.01: 0.6, 0.001: math.nan}, "<b>")
    assert re.findall(r"FMR ([\d.]+)<", chart) == ["0.1", "0.01"]
    assert {"--series-0", "--series-1"} <= set(re.findall(r"--series-\d", chart))
    assert len(chart) < 40_000
    assert "<b>" not in chart


def test_trials_without_a_score_are_not_drawn() -> None:
    some = trials(100)
    assert not score_histogram(dataclasses.replace(some, scores=np.full(100, np.nan)), {}, "set")
    assert score_histogram(some.take(some.mated), {}, "set")


def test_qualities_are_drawn_without_those_that_are_missing() -> None:
    quality = np.random.default_rng(2).random(100)
    with_gaps = np.insert(quality, [3, 50], np.nan)
    assert quality_histogram(quality, STROKE, "<b>") == quality_histogram(with_gaps, STROKE, "<b>")
    assert "<b>" not in quality_histogram(quality, STROKE, "<b>")
    assert not quality_histogram(np.full(3, np.nan), STROKE, "set")
    assert quality_histogram(np.ones(20), STROKE, "set")


def heights(chart: str) -> set[str]:
    """The heights of the bars in the first colour."""
    (bars,) = re.findall(r'<path d="([^"]*)"[^>]*style="fill: var\(--series-0\)', chart)
    return set(re.findall(r"L \S+ (\S+)", bars))


def test_one_extreme_score_does_not_hide_the_others() -> None:
    scores = np.append(np.random.default_rng(3).random(5000), 1e6)
    assert len(heights(quality_histogram(scores, STROKE, "set"))) > 15
    assert len(heights(scale_histogram(scores, np.quantile(scores, np.linspace(0, 1, 101)).tolist()))) > 15


def images(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores of some images and labels that go with them."""
    generator = torch.Generator().manual_seed(5)
    scores = torch.randn(count, generator=generator, dtype=torch.float64)
    return scores, scores + torch.randn(count, generator=generator, dtype=torch.float64)


def test_of_many_images_some_are_drawn() -> None:
    for draw in (value_chart, rank_chart):
        assert draw(*images(300)).count("<use") - draw(*images(200)).count("<use") == pytest.approx(100, abs=4)
        assert len(draw(*images(100_000))) < 150_000


def test_ranks_are_shares_with_ties_in_the_middle() -> None:
    assert rank_shares(torch.tensor([3.0, 1.0, 1.0, 9.0])).tolist() == [0.625, 0.25, 0.25, 0.875]


def test_the_scale_stands_above_the_scores() -> None:
    scores = np.linspace(5, 7, 400)
    chart = scale_histogram(scores, np.quantile(scores, np.linspace(0, 1, 101)).tolist())
    written = re.findall(r'x="([\d.]+)"[^>]*>(\d+)</text>', chart)
    marks = {int(text): float(x) for x, text in written if text in {"0", "20", "50", "100"}}
    assert marks[50] == pytest.approx((marks[0] + marks[100]) / 2, abs=0.5)
    assert marks[20] == pytest.approx(marks[0] + 0.2 * (marks[100] - marks[0]), abs=0.5)


def test_values_that_hardly_differ_are_written_out() -> None:
    steps = [Step(f"layer{number}", 0.812345 + number * 1e-6) for number in range(3)]
    assert ">0.81234" in trajectory_chart(steps, 3)
    assert "1e" not in re.sub(r"<[^>]*>", "", trajectory_chart(steps, 3))


@pytest.mark.parametrize(
    ("places", "gap", "expected"),
    [
        ([0.2, 2.0, 1.0], 0.3, [0.2, 2.0, 1.0]),  # room for all
        ([2.0, 2.0, 2.0], 0.5, [1.5, 2.0, 2.5]),  # evenly around the middle
        ([4.0, 3.9, 4.0], 0.5, [3.5, 3.0, 4.0]),  # within the edge
    ],
)
def test_callouts_stand_near_their_points(places: list[float], gap: float, expected: list[float]) -> None:
    assert spread_out(np.array(places), gap, 4.0) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
def test_callouts_never_touch_and_keep_their_order(seed: int) -> None:
    wanted = np.random.default_rng(seed).random(10) ** 3 * 5
    places = spread_out(wanted, 0.3, 5.0)
    assert np.diff(np.sort(places)).min() > 0.3 - 1e-9
    assert (np.argsort(places) == np.argsort(wanted)).all()
    assert places.min() >= 0
    assert places.max() <= 5.0 + 1e-9
