"""A few lines of YAML cannot become billions of values."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.cli import main
from froq_lightning.cli.yaml_limits import LOADER, load_yaml
from froq_lightning.errors import ConfigurationError

LAUGHS = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, min_size=2))
def test_what_is_within_the_limits_is_loaded_as_jsonargparse_does(value: dict[str, object]) -> None:
    text = yaml.safe_dump(value)
    assert load_yaml(text) == LOADER(text)


def test_aliases_stand_for_values() -> None:
    assert load_yaml("a: &a [1, 2]\nb: [*a, *a]\nc: {<<: &c {d: 1}, e: *c}") == {
        "a": [1, 2],
        "b": [[1, 2], [1, 2]],
        "c": {"d": 1, "e": {"d": 1}},
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "more than 10,000 values"),
        ("[" * 60, "more than 50 levels"),
        ("- " * 60, "more than 50 levels"),
        ("a: &a [1, *a]", r"alias \*a before or within what it stands for"),
        ("x" * 2**21, "more than 1,048,576 characters"),
    ],
    ids=["laughs", "brackets", "lists", "itself", "long"],
)
def test_too_much_is_refused(text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_yaml(text)
    (tmp_path / "a.yaml").write_text(text)
    assert main(["predict", "--config", str(tmp_path / "a.yaml")]) == 2
    assert capsys.readouterr().err.startswith("froq: error: YAML text has")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/name:os.system ''",
        "x: !!int a",
        "x: !!bool a",
        "x: !!timestamp a",
        "x: !!float ''",
        "x: " + "9" * 30,
        "x: 0x" + "f" * 9_000,
        "x: " + "1:" * 400_000 + "1",
        "x: " + "1_" * 20 + "1",
        "a: \ud800",
        "{",
    ],
)
def test_what_is_no_yaml_or_costs_too_much_is_an_error_of_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)


@pytest.mark.parametrize("text", ["x: 123456789012345678", "x: 0.1234567890123456789012", "x: 20_000", "x: 12:30:45"])
def test_numbers_of_usual_length_are_read(text: str) -> None:
    assert load_yaml(text) == LOADER(text)


@pytest.mark.parametrize("text", ["data: 1\ndata: 2", "data: {source: a, source: b}", "callbacks: [{a: 1, 'a': 2}]"])
def test_a_key_that_is_given_twice_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="twice in one place"):
        load_yaml(text)
