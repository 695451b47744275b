"""The page of an evaluation of 16 methods on 8 data sets: what it shows at first, and what a reader makes it show."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser
from lightning.pytorch import Trainer

from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.module import FroqModule
from froq_lightning.reporting import EvaluationReport

NAMES = [f"method_{number} (share=0.{number}, per=network)" for number in range(14)] + ["<b>hostile</b>"]
SETS = ("pairs", "<i>cross</i> quality", "a-name_without-any_break.csv", *(f"set {number}" for number in range(5)))
Run = tuple[Trainer, FroqModule, Path]
Page = Any
Open = Callable[[Path, int, str], Browser]


def renamed(mapping: Mapping[str, Any], source: str) -> dict[str, Any]:
    return {name: mapping["random" if name == "random" else source] for name in (*NAMES, "random")}


def of_many(evaluation: Evaluation) -> Evaluation:
    """Repeat methods and data sets under other names at one FMR; method 3 is the best, the next ones follow it."""
    first = evaluation.fmr[0]
    random = next(method for method in evaluation.methods if method.is_random)
    method = evaluation.working()[0]
    source, base = method.name, evaluation.sets[1]
    sets = [
        dataclasses.replace(
            base,
            name=name,
            qualities=renamed(base.qualities, source),
            unit_qualities=renamed(base.unit_qualities, source),
        )
        for name in SETS
    ]
    results = []
    for each in evaluation.results:
        if (each.data_set, each.fmr) != (base.name, first) or each.method not in (source, random.name):
            continue
        band = {"curve_low": tuple(0.8 * y for y in each.curve), "curve_high": tuple(1.2 * y for y in each.curve)}
        for name in SETS:
            copy = dataclasses.replace(each, data_set=name, false_non_matches=12 if name == "pairs" else 45, **band)
            results += (
                [copy]
                if each.method == random.name
                else [
                    dataclasses.replace(copy, method=other, value=(place - 3) % 15 / 10)
                    for place, other in enumerate(NAMES)
                ]
            )
    oracles = [each for each in evaluation.oracles if (each.data_set, each.fmr) == (base.name, first)]
    thresholds = [
        each for each in evaluation.thresholds if (each.data_set, each.fmr, each.method) == (base.name, first, source)
    ]
    return dataclasses.replace(
        evaluation,
        methods=(*(dataclasses.replace(method, name=name) for name in NAMES), random),
        sets=tuple(sets),
        fmr=(first,),
        results=tuple(results),
        oracles=tuple(dataclasses.replace(each, data_set=name) for name in SETS for each in oracles),
        thresholds=tuple(
            dataclasses.replace(each, data_set=name, method=method, groups=None)
            for name in SETS
            for method in NAMES
            for each in thresholds
        ),
    )


@pytest.fixture(scope="module")
def path(tested: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page of many methods lies."""
    trainer, module, _ = tested
    assert module.evaluation is not None
    report = EvaluationReport(tmp_path_factory.mktemp("many") / "many.html", faces=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "evaluation", of_many(module.evaluation))
        report.on_test_end(trainer, module)
    return report.path


@pytest.fixture(scope="module")
def page(path: Path, parse: Callable[[str], Page]) -> Page:
    return parse(path.read_text(encoding="utf-8"))


def boxes(page: Page) -> dict[str, bool]:
    """Whether each box is ticked, by what it shows."""
    inputs = [attributes for tag, attributes in page.elements if tag == "input"]
    return {str(each["id"]).removeprefix("show-"): "checked" in each for each in inputs}


def test_at_first_the_first_the_best_and_random_methods_are_shown(page: Page) -> None:
    ticked = boxes(page)
    assert len(ticked) == 16 + 3 + 1, "methods, oracles and chance, intervals"
    best = {f"series-{number}" for number in range(3, 9)}
    references = {"reference-perfect", "reference-mean", "reference-chance"}
    assert {mark for mark, is_ticked in ticked.items() if is_ticked} == {"series-0", "series-15"} | best | references
    assert (
        "Of 16 methods the figures show at first the first one, the 6 best by froq at FMR 0.02 on average" in page.words
    )


def test_all_of_few_methods_are_shown_and_their_intervals_too(
    tested: Run, evaluation_page: Page, render_evaluation: Callable[..., Page]
) -> None:
    assert all(boxes(evaluation_page).values())
    assert "show at first" not in evaluation_page.words
    assert tested[1].evaluation is not None
    many = of_many(tested[1].evaluation)
    few = {method.name for method in many.methods[:3]}
    methods = tuple(method for method in many.methods if method.name in few)
    results = tuple(result for result in many.results if result.method in few)
    thresholds = tuple(each for each in many.thresholds if each.method in few)
    page = render_evaluation(dataclasses.replace(many, methods=methods, results=results, thresholds=thresholds))
    assert boxes(page) == dict.fromkeys(boxes(page), True)
    assert "interval" in boxes(page)


def test_methods_without_a_value_are_the_last_to_be_shown(tested: Run, render_evaluation: Callable[..., Page]) -> None:
    assert tested[1].evaluation is not None
    many = of_many(tested[1].evaluation)
    nan = [dataclasses.replace(each, value=math.nan) if each.method == NAMES[3] else each for each in many.results]
    ticked = boxes(render_evaluation(dataclasses.replace(many, results=tuple(nan))))
    assert not ticked["series-3"]
    assert ticked["series-9"]


def test_every_figure_says_its_convention_and_its_number_of_errors(page: Page) -> None:
    for convention in ("froq", "cr-fiqa", "iso"):
        for name in SETS:
            count, mark = (12, " few") if name == "pairs" else (45, "")
            assert f"{name} {convention} at FMR 0.02: {count} false non-matches of 60 mated trials{mark}" in page.words


def test_every_line_and_band_has_a_box_and_every_name_is_escaped(page: Page) -> None:
    drawn = {attributes.get("class") or "" for tag, attributes in page.elements if tag == "g"}
    marks = {mark for classes in drawn if classes.startswith("curve") for mark in classes.split()[1:]}
    assert marks == set(boxes(page))
    labels = [attributes["for"] for tag, attributes in page.elements if tag == "label" and "for" in attributes]
    assert set(labels) <= {f"show-{mark}" for mark in marks}
    assert "<b>hostile" not in page.html
    assert "<i>cross" not in page.html


def test_oracles_stand_at_the_bottom_of_the_table(page: Page) -> None:
    table = next(table for table in page.tables if table[0][0] == "Method")
    names = [" ".join(row[0].split()) for row in table[1:]]
    assert names[-2:] == ["perfect oracle", "cosine to the subject's mean oracle"]
    assert names[:-2] == [*NAMES, "random"]


def shown(page: Browser, mark: str) -> list[int]:
    """Of every figure with curves, how many parts of that mark are visible."""
    counts = (
        "[...document.querySelectorAll('figure')].filter(one => one.querySelector('.curve')).map(one =>"
        f"[...one.querySelectorAll('.curve.{mark}')].filter(part => getComputedStyle(part).display !== 'none').length)"
    )
    found: list[int] = page.value(counts)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_box_shows_and_hides_a_method_in_all_figures(open_page: Open, path: Path, width: int, scheme: str) -> None:
    page = open_page(path, width, scheme)
    figures = len(shown(page, "series-3"))
    assert figures == 8 * (3 + 1), "of data sets; conventions, and single images"
    assert shown(page, "series-3") == [1] * figures
    assert sum(shown(page, "series-3.interval")) == 0
    page.value("document.getElementById('show-interval').click()")
    assert sum(shown(page, "series-3.interval")) == 8 * 3
    for selector in ("#show-series-3", ".legend label[for=show-series-3]"):
        page.value(f"document.querySelector('{selector}').click()")
        assert sum(shown(page, "series-3")) == (0 if selector.startswith("#") else figures + 8 * 3)
    assert sum(shown(page, "series-10")) == 0
    page.value("document.querySelector('.curves:last-of-type label[for=show-series-10]').click()")
    assert sum(shown(page, "series-10")) == figures + 8 * 3
    page.value("document.getElementById('show-reference-mean').click()")
    assert sum(shown(page, "reference-mean")) == 0
    assert page.complaints == []


@pytest.mark.slow
def test_rows_of_tables_stack_where_the_page_is_narrow(open_page: Open, path: Path) -> None:
    cells = (
        "[...document.querySelectorAll('.stack tbody tr')].filter(row => [...row.cells].some((cell, at, all) =>"
        "at && cell.getBoundingClientRect().top < all[at - 1].getBoundingClientRect().bottom - 1)).length"
    )
    wide = "[...document.querySelectorAll('.stack')].filter(one => one.scrollWidth > one.parentElement.clientWidth + 1)"
    page = open_page(path, 360, "light")
    rows = page.value("document.querySelectorAll('.stack tbody tr').length")
    assert rows > 100
    assert page.value(cells) == 0
    assert page.value(f"{wide}.length") == 0
    label = "getComputedStyle(document.querySelector('.stack td'), '::before').content"
    assert page.value(label) == '"pairs"'
    page = open_page(path, 1280, "light")
    assert page.value(cells) == rows
    assert page.value(label) == "none"
