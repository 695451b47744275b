from typing import Any

import numpy as np
import pytest

from froq_lightning.data.comparison_set import ComparisonSet
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


def test_trials_between_what_there_is_are_taken() -> None:
    assert len(build([0, 1], [2, 2], [True, False]).mated) == 2
