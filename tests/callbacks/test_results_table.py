import dataclasses
import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from froq_lightning.callbacks.results_table import results_tables
from froq_lightning.evaluation.outcome import Evaluation, Result


def with_results(evaluation: Evaluation, changes: Callable[[Result], dict[str, Any]]) -> Evaluation:
    results = tuple(dataclasses.replace(row, **changes(row)) for row in evaluation.results)
    return dataclasses.replace(evaluation, results=results)


def with_values(evaluation: Evaluation, values: dict[tuple[str, str], float]) -> Evaluation:
    """Give the results of a data set and method another value."""
    return with_results(evaluation, lambda row: {"value": values.get((row.data_set, row.method), row.value)})


def with_intervals(evaluation: Evaluation, half: float, errors: int = 30) -> Evaluation:
    """Give every value an interval of that half width, and rest it on that many false non-matches."""
    return with_results(
        evaluation, lambda row: {"low": row.value - half, "high": row.value + half, "false_non_matches": errors}
    )


def best(evaluation: Evaluation) -> set[tuple[str, str, str]]:
    """Every method that is marked as the best, with the convention and the column."""
    return {
        (table.convention.name, column, method)
        for table in results_tables(evaluation)
        for method, cells in table.rows
        for column, cell in zip(table.columns, cells, strict=True)
        if cell.best
    }


def test_a_table_for_every_convention_and_fmr_has_methods_by_data_sets_and_their_mean(evaluation: Evaluation) -> None:
    tables = list(results_tables(evaluation))
    conventions = ("froq", "cr-fiqa", "iso", "rce")
    assert [(table.convention.name, table.fmr) for table in tables] == [*product(conventions, (0.05, 0.001))]
    for table in tables:
        assert table.columns == ("alpha", "beta", "mean")
        assert [method for method, _ in table.rows] == ["good", "bad"], "a method that cannot work has no values"
        for method, cells in table.rows:
            row = [
                evaluation.result(name, method, table.convention.name, table.fmr).value for name in ("alpha", "beta")
            ]
            assert [cell.value for cell in cells] == [*row, np.mean(row)]


def test_the_best_is_the_lowest_area_and_the_highest_rank_consistency(evaluation: Evaluation) -> None:
    for table in results_tables(with_intervals(evaluation, 0.0)):
        (_, good), (_, bad) = table.rows
        for one, other in zip(good, bad, strict=True):
            assert one.best != other.best
            assert one.best == (one.value > other.value if table.convention.name == "rce" else one.value < other.value)


def test_none_is_the_best_without_intervals_or_where_they_overlap(evaluation: Evaluation) -> None:
    assert best(evaluation) == set()
    apart = min(
        abs(evaluation.result(one, "good", name, fmr).value - evaluation.result(one, "bad", name, fmr).value)
        for one in ("alpha", "beta")
        for name in ("froq", "rce")
        for fmr in (0.05, 0.001)
    )
    names = {(name, column) for name, column, _ in best(with_intervals(evaluation, apart / 2 - 1e-9))}
    assert names >= {(name, column) for name in ("froq", "rce") for column in ("alpha", "beta", "mean")}
    assert {name for name, _, _ in best(with_intervals(evaluation, 2.0))} == set()


def test_none_is_the_best_by_fewer_than_thirty_errors(evaluation: Evaluation) -> None:
    assert best(with_intervals(evaluation, 0.0, errors=30))
    few = with_intervals(evaluation, 0.0, errors=29)
    assert {name for name, _, _ in best(few)} <= {"rce"}, "which rests on false matches as well"
    assert best(with_results(few, lambda _: {"false_matches": 0})) == set()


def test_a_mean_is_the_best_only_where_all_data_sets_have_intervals_and_errors(evaluation: Evaluation) -> None:
    known = with_intervals(evaluation, 0.0)
    for lacking in ({"low": math.nan, "high": math.nan}, {"false_non_matches": 3, "false_matches": 0}):
        partly = with_results(known, lambda row, lacking=lacking: lacking if row.data_set == "beta" else {})
        assert {column for _, column, _ in best(partly)} == {"alpha"}


def test_a_random_quality_is_never_the_best_and_yet_has_to_be_beaten(evaluation: Evaluation) -> None:
    known = with_intervals(evaluation, 0.0)
    methods = [dataclasses.replace(one, is_random=one.name == "good") for one in evaluation.methods]
    assert best(dataclasses.replace(known, methods=tuple(methods))) == set()
    methods = [dataclasses.replace(one, is_random=one.name == "bad") for one in evaluation.methods]
    assert best(dataclasses.replace(known, methods=tuple(methods))) == best(known)


def test_a_value_that_is_not_defined_is_a_dash_and_so_is_its_mean(evaluation: Evaluation) -> None:
    table = next(results_tables(with_values(evaluation, {("alpha", "good"): math.nan})))
    cells = dict(table.rows)["good"]
    assert [table.text(cell.value) for cell in cells] == ["-", table.text(cells[1].value), "-"]
    assert not any(cell.best for _, row in table.rows for cell in row), "there is nothing to be better than"


def test_a_single_data_set_has_no_mean_and_without_a_method_there_is_no_table(evaluation: Evaluation) -> None:
    results = tuple(one for one in evaluation.results if one.data_set == "alpha")
    single = dataclasses.replace(evaluation, sets=evaluation.sets[:1], results=results)
    for table in results_tables(single):
        assert table.columns == ("alpha",)
        assert {len(cells) for _, cells in table.rows} == {1}
    assert not list(results_tables(dataclasses.replace(evaluation, methods=evaluation.methods[2:], results=())))


@pytest.mark.parametrize(
    ("largest", "written"),
    [(12.0, "12.000"), (0.5, "0.500"), (0.04321, "0.0432"), (0.00043219, "0.000432"), (0.0, "0.000")],
)
def test_small_values_are_written_with_three_digits(evaluation: Evaluation, largest: float, written: str) -> None:
    values = {(one, method): largest for one in ("alpha", "beta") for method in ("good", "bad")}
    table = next(results_tables(with_values(evaluation, values)))
    assert table.text(largest) == written
