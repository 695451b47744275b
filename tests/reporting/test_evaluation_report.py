import dataclasses
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch import Trainer

from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.module import FroqModule

BROKEN = "<img src=x onerror=\"window.owned = 'file'\">.jpg"
Run = tuple[Trainer, FroqModule, Path]
Page = Any
Render = Callable[..., Page]


@pytest.fixture
def page(evaluation_page: Page) -> Page:
    return evaluation_page


@pytest.fixture
def evaluation(tested: Run) -> Evaluation:
    assert tested[1].evaluation is not None
    return tested[1].evaluation


def test_the_page_shows_every_value_under_its_convention(evaluation: Evaluation, page: Page) -> None:
    text = page.words
    for convention in evaluation.conventions:
        assert convention.describe()[1:] in text
        for fmr in evaluation.fmr:
            assert f"{convention.name} at FMR {fmr:g}" in text
    cells = {data.strip() for data in page.text}
    for one in evaluation.results:
        if one.convention == "froq":
            assert f"{one.value:.3f}" in cells
        assert f"{100 * one.fnmr:.2f} %" in text


def test_every_data_set_is_shown_with_its_trials_and_errors(evaluation: Evaluation, page: Page) -> None:
    shown = page.rows("Data set")
    fixed, recomputed = "froq, iso, rce", "cr-fiqa"
    names = [f"{one.name} {conventions}" for one in evaluation.sets for conventions in (fixed, recomputed)]
    assert [row[0] for row in shown] == names
    for row, (one, convention) in zip(shown, product(evaluation.sets, ("froq", "cr-fiqa")), strict=True):
        result = evaluation.result(one.name, "random", convention, 0.02)
        errors = (result.false_non_matches, result.false_matches)
        counts = [f"{number} few" if number < 30 else str(number) for number in errors]
        assert row[1:] == ["60", "180", f"{result.threshold:.4g}", f"{100 * result.fnmr:.2f} %", *counts]


def test_the_page_says_what_a_reader_should_know(evaluation: Evaluation, page: Page) -> None:
    text, images = "".join(page.text), evaluation.sets[1].images
    assert "grafiqs cannot work here: GraFIQs needs BatchNorm2d layers" in text
    assert f"plain: 1 of {images} images gave no embedding; 1 comparison trials are left out with them" in text
    assert f"{BROKEN}: file is empty" in text
    assert "random: values are means over several draws, the curve is that of the first." in text


def test_charts_are_drawn_for_every_curve_and_distribution(page: Page) -> None:
    drawings = [attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("class") != "swatch"]
    sets, methods, curves, rates = 2, 3, 3, 2
    of_groups, of_images = 2, 1
    assert len(drawings) == page.count("figure") == sets * ((curves + of_groups + of_images) * rates + 1 + methods)


def test_thresholds_are_shown_with_bounds_and_what_is_certain(evaluation: Evaluation, page: Page) -> None:
    rows = {row[0]: row[1:] for row in page.rows("Target")}
    before = evaluation.thresholds[0].result.before
    low, high = (f"{100 * end:.3g} %" for end in (before.fnmr.low, before.fnmr.high))
    assert rows["all images"][2] == f"{100 * before.fnmr.value:.3g} % {low} to {high}"
    assert "the worst 10 % or less" in rows
    for decision in evaluation.thresholds[0].result.decisions:
        assert (f"certain: {decision.target}" in rows) == (decision.point is not None)
        assert decision.refusal in page.words


def test_groups_are_shown_with_their_differences(evaluation: Evaluation, page: Page) -> None:
    groups = evaluation.thresholds[0].groups
    assert groups is not None
    rows = {row[0]: row[1:] for row in page.rows("Group")}
    assert list(rows) == [group.name for group in groups.groups]
    for group in groups.groups:
        assert rows[group.name][0] == f"{group.images} {group.subjects}"
        assert rows[group.name][3].startswith(f"{100 * group.before.fnmr.value:.3g} %")
    assert all(sentence in page.words for sentence in groups.differences)


def test_the_worst_and_best_faces_are_those_of_the_qualities(tested: Run, evaluation: Evaluation, page: Page) -> None:
    data = tested[0].datamodule  # type: ignore[attr-defined]
    shown = [attributes["alt"] for tag, attributes in page.elements if tag == "img"]
    expected = []
    for one, faces in zip(evaluation.sets, data.sets, strict=True):
        for method in evaluation.working():
            quality = one.qualities[method.name]
            order = [place for place in np.argsort(quality, kind="stable") if np.isfinite(quality[place])]
            expected += [faces.images[place].key for place in (*order[:3], *order[-3:])]
    assert shown == expected


def test_the_same_evaluation_gives_the_same_page(evaluation: Evaluation, page: Page, render_evaluation: Render) -> None:
    assert render_evaluation(evaluation, faces=3).html == page.html


def test_faces_can_be_left_out(evaluation: Evaluation, render_evaluation: Render) -> None:
    without = render_evaluation(evaluation)
    assert without.count("img") == 0
    assert "#faces" not in [attributes.get("href") for _, attributes in without.elements]


def with_intervals(evaluation: Evaluation, errors: int) -> Evaluation:
    """Set one method's values apart from those of the others, on so many errors."""
    values = {"random": 0.9, "embedding_norm": 0.2}
    results = [
        dataclasses.replace(result, value=value, low=value - 0.05, high=value + 0.05, false_non_matches=errors)
        for result in evaluation.results
        for value in [values.get(result.method, 0.5)]
    ]
    return dataclasses.replace(evaluation, results=tuple(results))


def test_a_method_is_marked_only_where_its_interval_is_apart_and_on_enough_errors(
    evaluation: Evaluation, page: Page, render_evaluation: Render
) -> None:
    marked = render_evaluation(with_intervals(evaluation, 30)).html
    assert "><b>0.200</b><small>0.150 to 0.250</small></td>" in marked
    assert "95 % confidence intervals" in marked
    assert "Best by froq at FMR 0.02</dt>\n<dd>embedding_norm<small>0.200 on average" in marked
    few = render_evaluation(with_intervals(evaluation, 7))
    for unmarked in (page.html, few.html[: few.html.index("cr-fiqa at FMR 0.02")]):
        assert "><b>0" not in unmarked
        assert "Best by" not in unmarked
    assert "confidence intervals, from a bootstrap" not in page.words
    text = few.words
    assert "plain froq at FMR 0.02: 7 false non-matches of 60 mated trials few" in text
    assert "plain 7 false non-matches few" in text
    assert "plain at FMR 0.02: results rest on 7 false non-matches, and the threshold on" in text


def test_a_time_that_is_not_known_has_no_bar(evaluation: Evaluation, show: Render) -> None:
    methods = [dataclasses.replace(one, milliseconds=float("nan")) for one in evaluation.methods]
    unknown = dataclasses.replace(evaluation, methods=tuple(methods))
    text = show("times", unknown).words
    assert "embedding_norm: scores from elsewhere, time not known" in text
    assert text.count("\u00d7") == 1, "that of the bare pass"


def test_an_evaluation_without_failures_or_a_method_that_works_is_a_page_too(
    evaluation: Evaluation, render_evaluation: Render
) -> None:
    refused = tuple(one for one in evaluation.methods if one.refusal)
    sets = tuple(dataclasses.replace(one, left_out={}) for one in evaluation.sets)
    empty = dataclasses.replace(evaluation, methods=refused, results=(), sets=sets)
    text = render_evaluation(empty, faces=3).words
    assert "None: every image gave an embedding" in text
    assert "grafiqs cannot work here" in text


def test_parameters_are_shown_and_long_lists_shortened(evaluation: Evaluation, show: Render) -> None:
    parameters = {
        "alpha": 0.001,
        "layers": [f"block{n}" for n in range(12)],
        "norm": {"mean": 0.5, "kinds": ["a", "b"]},
    }
    methods = (dataclasses.replace(evaluation.methods[0], parameters=parameters), *evaluation.methods[1:])
    page = show("methods", dataclasses.replace(evaluation, methods=methods))
    shown = dict(re.findall(r"<dt>(\w+)</dt><dd>(.*?)</dd>", page.html))
    assert shown["alpha"] == "0.001"
    assert shown["layers"] == ", ".join(f"block{n}" for n in range(8)) + ", … (12 in all)"
    assert shown["norm"] == "mean 0.5, kinds a, b"
