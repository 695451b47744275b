import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from froq_lightning.data.comparison_set import ComparisonSet, connected, numbered, subject_numbers
from froq_lightning.errors import DataError


def build(first: Any, second: Any, mated: Any) -> ComparisonSet:
    sides = [np.array(side, dtype=np.int32) for side in (first, second)]
    return ComparisonSet("faces", [], *sides, np.array(mated, dtype=bool), np.zeros(3, dtype=np.int32))


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (([0, 1], [1], [True]), "Expected `first`, `second` and `mated` to be of one length, but got 2, 1 and 1"),
        (([], [], []), "faces holds no comparison trials"),
        (([0, 1], [1, 3], [True, False]), "Expected trials between 0 and 2, but got 3"),
        (([0, -1], [1, 2], [True, False]), "Expected trials between 0 and 2, but got -1"),
    ],
)
def test_trials_that_cannot_be_are_refused(trials: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        build(*trials)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(1, 30))
    node = st.integers(0, count - 1)
    return count, draw(st.lists(st.tuples(node, node), max_size=60))


@given(graphs())
def test_components_are_those_that_scipy_finds(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    first, second = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    _, expected = connected_components(coo_array((np.ones(len(edges)), (first, second)), shape=(count, count)), False)
    found = connected(count, first, second)
    np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)


def test_a_long_chain_is_one_component() -> None:
    shuffled = np.random.default_rng(0).permutation(20_000)
    assert not connected(20_000, shuffled[:-1], shuffled[1:]).any()


def test_an_empty_name_is_nobody() -> None:
    assert subject_numbers(["b", "", "a", "b"]).tolist() == [1, -1, 0, 1]
    assert subject_numbers(["b", "a"]).tolist() == [1, 0]
    assert subject_numbers(["", ""]).tolist() == [-1, -1]


@given(st.lists(st.text(max_size=4), min_size=1))
def test_names_are_numbered_as_numpy_would(names: list[str]) -> None:
    # numpy drops NUL characters at the end.
    expected = np.unique([f"{name}." for name in names], return_inverse=True)[1]
    assert (numbered(names)[:, None] == numbered(names)).tolist() == (expected[:, None] == expected).tolist()


def test_one_long_name_does_not_make_the_others_long() -> None:
    tracemalloc.start()
    numbered(["x" * 100_000, *map(str, range(2_000))])  # 800 MB, if each took the room of the longest
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
