import math

import pytest

from froq_lightning.callbacks.evaluation_plan import duration, plan_lines
from froq_lightning.methods.plan import Plan, PlannedMethod


def test_a_plan_tells_passes_times_and_refusals_of_every_network() -> None:
    methods = (
        PlannedMethod("froq", 0.01, 0.002),
        PlannedMethod("face_qan", 1800.0, 180.0),
        PlannedMethod("ser_fiq", math.nan, math.nan, "there is no dropout"),
    )
    plans = {"": Plan(10.0, methods), "other": Plan(5.0, ())}
    lines = "\n".join(map(str, plan_lines(plans, 2000))).splitlines()
    assert lines[0] == "plan for 2,000 images: about 61 min of passes"
    assert [line.split() for line in lines[2:6]] == [
        ["embeddings,", "shared", "by", "the", "methods", "1.0", "20", "s"],
        ["froq", "shared", "less", "than", "1", "s"],
        ["face_qan", "180.0", "more", "60", "min"],
        ["ser_fiq", "refused", "-"],
    ]
    assert lines[6] == "  ser_fiq cannot work here: there is no dropout"
    assert lines[7] == "on other"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "less than 1 s"), (1, "1 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (400_000, "5 d")],
)
def test_times_are_told_in_the_largest_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert duration(seconds) == text
