import dataclasses

import pytest

from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.evaluation.convention import PRESETS, create_convention


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("froq", ("mated trials", "expected over ties", "0..0.3", "divided by the FNMR at 0", "fixed", "lower is")),
        ("cr-fiqa", ("mated and non-mated trials together", "trapezoid", "0..0.95 in steps of 0.05", "recomputed")),
        ("iso", ("ties together", "step", "exact", "fixed threshold", "lower is better")),
        ("rce", ("rank consistency", "gamma 3", "fixed", "higher is better", "random quality has about -0.20")),
    ],
)
def test_a_preset_states_what_it_does(name: str, message: tuple[str, ...]) -> None:
    convention = create_convention(name)
    assert convention == PRESETS[name]
    assert convention.higher_is_better == (name == "rce")
    for words in message:
        assert words in convention.describe()


def test_every_knob_can_be_set_and_names_the_convention() -> None:
    convention = create_convention({"preset": "froq", "limit": 0.2, "normalise": "best"})
    assert dataclasses.replace(PRESETS["froq"], limit=0.2, normalise="best", name=convention.name) == convention
    assert convention.name == "froq (limit=0.2, normalise=best)"
    assert create_convention({"preset": "iso", "name": "mine", "limit": 0.1}).name == "mine"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("isoo", "unknown convention 'isoo'; nearest: iso"),
        ({"presett": "iso"}, "unknown knob of a convention 'presett'"),
        ({"preset": "iso", "limits": 0.2}, "nearest: limit"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(spec: object, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        create_convention(spec)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"area": "sum"}, "Expected `area` to be one of"),
        ({"limit": 1.5}, "Expected 0 < limit < 1"),
        ({"limit": "wide"}, "has a value of a wrong type"),
        ({"step": 0.0}, "Expected a `step` above 0 unless `area` is step"),
        ({"area": "step"}, r"Expected `area: step` with exact steps"),
        ({"preset": "cr-fiqa", "ties": "together"}, "Expected `ties: order` where the threshold is recomputed"),
        ({"discard": "all"}, "Expected `discard: mated` with a fixed threshold"),
        ({"preset": "cr-fiqa", "normalise": "best"}, "Expected a fixed threshold where the best"),
    ],
)
def test_knobs_that_make_no_sense_are_refused(spec: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        create_convention(spec)
