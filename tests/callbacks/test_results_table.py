import dataclasses
import math

import numpy as np
import pytest

from froq_lightning.callbacks.results_table import results_tables
from froq_lightning.evaluation.outcome import Evaluation


def with_values(evaluation: Evaluation, values: dict[tuple[str, str], float]) -> Evaluation:
    """Give the results of a data set and method another figure."""
    changed = [
        dataclasses.replace(one, value=values.get((one.data_set, one.method), one.value)) for one in evaluation.results
    ]
    return dataclasses.replace(evaluation, results=tuple(changed))


def with_intervals(evaluation: Evaluation, half: float, errors: int = 30) -> Evaluation:
    """Give every figure an interval of that half width, and rest it on that many false non-matches."""
    changed = [
        dataclasses.replace(one, low=one.value - half, high=one.value + half, false_non_matches=errors)
        for one in evaluation.results
    ]
    return dataclasses.replace(evaluation, results=tuple(changed))


def signature(evaluation: Evaluation) -> set[tuple[str, str, str]]:
    """Every method that is marked as the best, with the convention and the column."""
    return {
        (table.convention.name, column, method)
        for table in results_tables(evaluation)
        for method, cells in table.rows
        for column, cell in zip(table.columns, cells, strict=True)
        if cell.best
    }


def test_there_is_a_table_for_every_convention_and_fmr(evaluation: Evaluation) -> None:
    found = [(table.convention.name, table.fmr) for table in results_tables(evaluation)]
    assert found == [(name, fmr) for name in ("froq", "cr-fiqa", "iso", "rce") for fmr in (0.05, 0.001)]


def test_rows_are_methods_and_columns_data_sets_and_their_mean(evaluation: Evaluation) -> None:
    for table in results_tables(evaluation):
        assert table.columns == ("alpha", "beta", "mean")
        assert [method for method, _ in table.rows] == ["good", "bad"], "the method that cannot work has no figures"
        for method, cells in table.rows:
            wanted = [
                evaluation.result(one, method, table.convention.name, table.fmr).value for one in ("alpha", "beta")
            ]
            assert [cell.value for cell in cells] == [*wanted, np.mean(wanted)]


def test_the_best_is_the_lowest_area_and_the_highest_rank_consistency(evaluation: Evaluation) -> None:
    for table in results_tables(with_intervals(evaluation, 0.0)):
        (_, good), (_, bad) = table.rows
        for one, other in zip(good, bad, strict=True):
            assert one.best != other.best
            assert one.best == (one.value > other.value if table.convention.name == "rce" else one.value < other.value)


def test_without_intervals_none_is_marked_as_the_best(evaluation: Evaluation) -> None:
    assert signature(evaluation) == set()


def test_none_is_the_best_where_intervals_overlap(evaluation: Evaluation) -> None:
    apart = min(
        abs(evaluation.result(one, "good", name, fmr).value - evaluation.result(one, "bad", name, fmr).value)
        for one in ("alpha", "beta")
        for name in ("froq", "rce")
        for fmr in (0.05, 0.001)
    )
    names = {(name, column) for name, column, _ in signature(with_intervals(evaluation, apart / 2 - 1e-9))}
    assert names >= {(name, column) for name in ("froq", "rce") for column in ("alpha", "beta", "mean")}
    assert {name for name, _, _ in signature(with_intervals(evaluation, 2.0))} == set()


def test_none_is_the_best_by_fewer_than_thirty_errors(evaluation: Evaluation) -> None:
    assert signature(with_intervals(evaluation, 0.0, errors=30))
    few = with_intervals(evaluation, 0.0, errors=29)
    assert {name for name, _, _ in signature(few)} <= {"rce"}, "which rests on false matches as well"
    none = dataclasses.replace(few, results=tuple(dataclasses.replace(one, false_matches=0) for one in few.results))
    assert signature(none) == set()


def test_a_mean_is_the_best_only_where_all_data_sets_have_intervals_and_errors(evaluation: Evaluation) -> None:
    known = with_intervals(evaluation, 0.0)
    for lacking in ({"low": math.nan, "high": math.nan}, {"false_non_matches": 3, "false_matches": 0}):
        results = [dataclasses.replace(one, **lacking) if one.data_set == "beta" else one for one in known.results]
        assert {column for _, column, _ in signature(dataclasses.replace(known, results=tuple(results)))} == {"alpha"}


def test_a_random_quality_is_never_the_best_and_yet_has_to_be_beaten(evaluation: Evaluation) -> None:
    known = with_intervals(evaluation, 0.0)
    methods = [dataclasses.replace(one, is_random=one.name == "good") for one in evaluation.methods]
    assert signature(dataclasses.replace(known, methods=tuple(methods))) == set()
    methods = [dataclasses.replace(one, is_random=one.name == "bad") for one in evaluation.methods]
    assert signature(dataclasses.replace(known, methods=tuple(methods))) == signature(known)


def test_none_is_best_where_all_are_alike(evaluation: Evaluation) -> None:
    alike = with_intervals(with_values(evaluation, {("alpha", "good"): 0.5, ("alpha", "bad"): 0.5}), 0.0)
    for table in results_tables(alike):
        assert not any(cells[0].best for _, cells in table.rows)


def test_a_figure_that_is_not_defined_is_a_dash_and_so_is_its_mean(evaluation: Evaluation) -> None:
    table = next(results_tables(with_values(evaluation, {("alpha", "good"): math.nan})))
    cells = dict(table.rows)["good"]
    assert [table.text(cell.value) for cell in cells] == ["-", table.text(cells[1].value), "-"]
    assert not any(cell.best for _, row in table.rows for cell in row), "there is nothing to be better than"


def test_a_single_data_set_needs_no_mean(evaluation: Evaluation) -> None:
    results = tuple(one for one in evaluation.results if one.data_set == "alpha")
    single = dataclasses.replace(evaluation, sets=evaluation.sets[:1], results=results)
    for table in results_tables(single):
        assert table.columns == ("alpha",)
        assert {len(cells) for _, cells in table.rows} == {1}


def test_without_a_method_that_works_there_is_no_table(evaluation: Evaluation) -> None:
    assert not list(results_tables(dataclasses.replace(evaluation, methods=evaluation.methods[2:], results=())))


@pytest.mark.parametrize(
    ("largest", "written"),
    [(12.0, "12.000"), (0.5, "0.500"), (0.04321, "0.0432"), (0.00043219, "0.000432"), (0.0, "0.000")],
)
def test_small_figures_are_written_with_three_digits(evaluation: Evaluation, largest: float, written: str) -> None:
    values = {(one, method): largest for one in ("alpha", "beta") for method in ("good", "bad")}
    table = next(results_tables(with_values(evaluation, values)))
    assert table.text(largest) == written


def test_an_interval_is_written_where_there_is_one(evaluation: Evaluation) -> None:
    table = next(results_tables(evaluation))
    cell = table.rows[0][1][0]
    assert table.interval(cell) == ""
    assert table.interval(dataclasses.replace(cell, low=0.25, high=0.5)) == "0.250 to 0.500"
