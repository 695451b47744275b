"""What the sections of a calibration page say of the layers, the search, and the Pareto front."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.module import FroqModule
from froq_lightning.runs.calibration_run import Calibration

NBSP = "\u00a0"
Run = tuple[Trainer, FroqModule, Path]
Page = Any
Render = Callable[..., Page]
Reselect = Callable[..., Calibration]


@pytest.fixture
def page(calibration_page: Page) -> Page:
    return calibration_page


def share(number: float) -> str:
    return f"{100 * number:.3g} %"


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_chosen_layers_are_those_of_the_observer(calibration: Calibration, page: Page) -> None:
    rows = page.rows("Norm mean ± std")
    for number, (row, layer) in enumerate(zip(rows, calibration.observer.layers, strict=True), 1):
        assert row[0].startswith(words(f"{number} {layer.name}"))
        cost = calibration.selection.costs[layer.name]
        assert row[1:3] == [f"{layer.utility:.3f}", share(cost)]
        assert row[3:] == [f"{layer.mean:.4g} ± {layer.std:.2g}", "1"]


def test_the_search_is_told_step_by_step(calibration: Calibration, page: Page) -> None:
    rows = page.rows("Layer added")
    utilities = {layer.name: layer.utility for layer in calibration.observer.candidates}
    for number, (row, step) in enumerate(zip(rows, calibration.observer.trajectory, strict=True), 1):
        assert row[:1] == [words(f"{number} {step.layer}")]
        assert row[1:3] == [f"{utilities[step.layer]:.3f}", f"{step.set_utility:.3f}"]


def test_a_rule_that_does_not_search_has_no_search_on_its_page_but_weights(
    calibration: Calibration, render: Render
) -> None:
    layers = tuple(
        dataclasses.replace(layer, weight=0.5 + number) for number, layer in enumerate(calibration.observer.layers)
    )
    observer = dataclasses.replace(calibration.observer, layers=layers, trajectory=())
    selection = dataclasses.replace(calibration.selection, trajectory=())
    page = render(dataclasses.replace(calibration, observer=observer, selection=selection))
    rows = page.rows("Norm mean ± std")
    assert [row[4] for row in rows] == [f"{layer.weight:g}" for layer in layers]
    assert rows[0][0].startswith(words(f"1 {layers[0].name}"))
    assert "a score is the weighted mean of the standardised norms of the layers" in page.words
    assert "Greedy search" not in page.words


def test_the_front_is_told_from_dear_to_cheap(validated: Run, calibration: Calibration, page: Page) -> None:
    front, names = calibration.selection.front, validated[1].backbone.candidate_layers
    table = page.html[page.html.index("Utility-cost front") :]
    numbers = re.findall(r'<tr>\s*<th scope="row">(.*?)</th>\s*<td>(?:<b>)?(.*?)(?:</b>)?</td>\s*<td>(\d+)</td>', table)
    assert numbers == [
        (share(point.cost).replace(" ", NBSP), f"{point.utility:.3f}", str(len(point.columns)))
        for point in reversed(front)
    ]
    deepest = max((names[column] for column in front[0].columns), key=calibration.selection.costs.__getitem__)
    assert f'<td class="words">{deepest.replace(".", ".<wbr>")}</td>' in table


def test_every_candidate_is_listed_in_execution_order(calibration: Calibration, page: Page) -> None:
    rows = page.rows("Remark")
    kinds = {row[0].rsplit(" ", 1)[1] for row in rows}
    assert {"Conv2d", "GELU", "LayerNorm", "ConvBlock"} <= kinds
    for position, (row, layer) in enumerate(zip(rows, calibration.observer.candidates, strict=True), 1):
        assert words(layer.name) in row[0]
        assert row[1:3] == [str(position), "-" if layer.utility is None else f"{layer.utility:.3f}"]
        assert row[4] == words(layer.reason or (f"repeats {layer.repeats}" if layer.repeats else ""))
    assert any(row[4].startswith("repeats ") for row in rows)
    assert any(row[2] == "-" and row[3] == "-" and row[4] for row in rows)
    (details,) = (attributes for tag, attributes in page.elements if tag == "details")
    assert "open" not in details, "a long table is folded up"


def test_layers_that_count_twice_are_named(reselect: Reselect, render: Render) -> None:
    paper = reselect(create_rule("paper"), name="paper")
    pool = paper.selection.trajectory
    names = tuple(step.layer for step in pool)
    everything = dataclasses.replace(paper.selection, layers=names, columns=tuple(range(len(pool))))
    copies = [one.name for one in everything.candidates if one.repeats and one.name in everything.layers]
    assert copies
    text = render(dataclasses.replace(paper, selection=everything)).words
    assert words(f"Chosen layers that repeat others: {', '.join(copies)}.") in text


def test_a_cheaper_set_is_offered_for_some_utility(reselect: Reselect, show: Render) -> None:
    found = reselect(create_rule("distinct"))
    front, utility = found.selection.front, found.observer.set_utility
    assert found.selection.cost is not None
    cheap = next(point for point in front if point.utility >= utility - 0.05)
    assert cheap.cost < 0.9 * found.selection.cost, "what the test rests on"
    told = re.search(
        r"Here --model\.tolerance=(\S+) would bring the cost from (\S+ %) down to (\S+ %) of a pass, with a set "
        r"utility of (\S+) instead of (\S+)\.(?!\d)",
        show("pareto_front", found).words,
    )
    assert told is not None
    tolerance = float(told[1])
    bought = reselect(create_rule("distinct"), Budget(tolerance=tolerance))
    assert bought.selection.cost is not None
    costs = share(found.selection.cost), share(bought.selection.cost)
    assert told.groups()[1:] == (*costs, f"{bought.observer.set_utility:.3f}", f"{utility:.3f}")
    assert "would bring the cost" not in show("pareto_front", bought).words, "it was brought down already"


@pytest.mark.parametrize(("difference", "missed"), [(0.1, True), (0.0, False)])
def test_a_better_set_that_the_search_missed_is_named(
    difference: float, reselect: Reselect, show: Render, *, missed: bool
) -> None:
    calibration = reselect(create_rule("distinct"))
    best = max(point.utility for point in calibration.selection.front)
    observer = dataclasses.replace(calibration.observer, set_utility=best - difference)
    text = show("pareto_front", dataclasses.replace(calibration, observer=observer)).words
    assert (f"with a set utility of {best:.3f}; a lower --model.max_cost leads there." in text) == missed


def test_a_limit_to_the_cost_is_shown(reselect: Reselect, render: Render) -> None:
    limited = reselect(create_rule("distinct"), Budget(max_cost=0.7))
    page = render(limited)
    assert "70 % of a pass max_cost 0.7, tolerance 0" in page.words
    assert page.html.count('<i class="dashes"></i>max_cost') == 2


def test_without_costs_layers_stand_by_their_position(reselect: Reselect, render: Render) -> None:
    page = render(reselect(create_rule("distinct"), timed=False))
    text = page.words
    assert "position in execution order" in text
    assert "Cost of a score not known" in text
    assert "of a forward pass." not in text
    assert "#cost" not in [attributes.get("href") for _, attributes in page.elements]
    assert page.count("svg") == 5
    assert {row[2] for row in page.rows("Norm mean ± std")} == {"-"}


def test_a_single_layer_is_a_page_too(reselect: Reselect, render: Render) -> None:
    one = reselect(dataclasses.replace(create_rule("distinct"), pool=1))
    page = render(one)
    assert re.search(r"1 of \d+ layers of .* observes quality", page.words)
    assert "; reading it takes" in page.words
    assert len(page.rows("Layer added")) == 1
    assert page.count("svg") == 6
