"""Choosing agrees with a search through everything, whatever the scores and the conditions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from froq_lightning.errors import ConfigurationError
from froq_lightning.subjects.choice import NOBODY, Choice, choose

ROW = st.tuples(
    st.one_of(st.just(math.nan), st.integers(-3, 3).map(float)), st.integers(0, 100), st.integers(NOBODY, 3)
)
NUMBER = st.one_of(st.none(), st.integers(1, 4))
CHOICES = st.builds(Choice, st.one_of(st.none(), st.integers(0, 100)), NUMBER, NUMBER)


def searched(choice: Choice, rows: list[tuple[float, int, int]]) -> list[int]:
    """The definition, image by image: better is a higher score, and of equal ones the first."""
    left = [place for place, (score, _, _) in enumerate(rows) if not math.isnan(score)]
    if choice.min_quality is not None:
        left = [place for place in left if rows[place][1] >= choice.min_quality]
    if choice.best_per_subject is not None:
        left = [place for place in left if rows[place][2] != NOBODY]
        better = {
            place: sum(
                rows[other][2] == rows[place][2] and (-rows[other][0], other) < (-rows[place][0], place)
                for other in left
            )
            for place in left
        }
        left = [place for place in left if better[place] < choice.best_per_subject]
    if choice.worst is not None:
        left = sorted(left, key=lambda place: (rows[place][0], -place))[: choice.worst]
    return left


@settings(deadline=None)
@given(CHOICES, st.lists(ROW, max_size=12))
def test_the_chosen_images_are_those_of_the_definition(choice: Choice, rows: list[tuple[float, int, int]]) -> None:
    scores, quality, subjects = (np.array([row[column] for row in rows]) for column in range(3))
    chosen = choose(choice, scores.astype(float), quality.astype(float), subjects.astype(int))
    assert chosen.tolist() == searched(choice, rows)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"min_quality": 101}, r"Expected a lowest quality in 0\.\.100, but got 101"),
        ({"min_quality": math.nan}, r"Expected a lowest quality in 0\.\.100, but got nan"),
        ({"best_per_subject": 0}, "Expected best_per_subject to be 1 or more, but got 0"),
        ({"worst": -1}, "Expected worst to be 1 or more, but got -1"),
    ],
)
def test_conditions_out_of_range_are_refused(conditions: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Choice(**conditions)  # type: ignore[arg-type]
