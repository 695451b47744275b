import weakref
from random import Random
from typing import cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from froq_lightning.callbacks.ranked_run import Ranking, rank_rows
from froq_lightning.conformance.formats import KnownResults
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

scores = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(-1e9, 1e9))


@given(values=st.lists(scores, max_size=80), ends=st.integers(1, 6), seed=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_ends_are_those_of_the_sorted_list_in_whatever_order_items_come(
    values: list[float], ends: int, seed: Random
) -> None:
    ranking: Ranking[int] = Ranking(ends)
    for index in seed.sample(range(len(values)), len(values)):
        ranking.add(values[index], index, index)
    expected = sorted(range(len(values)), key=lambda index: (-values[index], index))
    if len(expected) > 2 * ends:
        expected = expected[:ends] + expected[-ends:]
    assert ranking.best_first() == expected
    assert ranking.count == len(values)


class Thing:
    """An item that can be counted while it lives."""


def test_only_a_bounded_number_is_kept() -> None:
    ranking: Ranking[Thing] = Ranking(2)
    alive: weakref.WeakSet[Thing] = weakref.WeakSet()
    for index in range(1_000):
        alive.add(thing := Thing())
        ranking.add(float(index % 97), index, thing)
        assert len(alive) <= 13
    assert ranking.count == 1_000


def test_images_that_failed_are_counted_and_the_first_ones_named() -> None:
    rows = [ScoredRow(index, f"{index}.png", float(index), 50, "ok", "") for index in range(20)]
    rows[1::2] = [row._replace(quality_score=None, status="failed", reason="file is empty") for row in rows[1::2]]
    run = rank_rows(cast("Prediction", KnownResults(rows, np.empty((20, 0), np.float32))), ends=2)
    assert [row.image for row in run.ranking.best_first()] == ["18.png", "16.png", "2.png", "0.png"]
    assert (run.ranking.count, run.failed) == (10, 10)
    assert [(row.image, row.reason) for row in run.failures] == [
        (f"{at}.png", "file is empty") for at in (1, 3, 5, 7, 9)
    ]
