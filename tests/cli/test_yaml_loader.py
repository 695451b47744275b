"""YAML is read as jsonargparse reads it, but a key that is given twice is an error."""

from pathlib import Path

import pytest
import yaml

from froq_lightning.cli import main
from froq_lightning.cli.yaml_loader import LOADER, load_yaml
from froq_lightning.errors import ConfigurationError


@pytest.mark.parametrize(
    "text",
    ["x: 20_000", "x: 1e-3", "[a, {b: c}]", "a: &a {d: 1}\nb: [*a, *a]\nc: &c {<<: *a, d: 2}\ne: {<<: *c, d: 3}"],
)
def test_it_is_loaded_as_jsonargparse_does(text: str) -> None:
    assert load_yaml(text) == LOADER(text)


@pytest.mark.parametrize("text", ["data: 1\ndata: 2", "data: {source: a, source: b}", "callbacks: [{a: 1, 'a': 2}]"])
def test_a_key_that_is_given_twice_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="twice in one place"):
        load_yaml(text)
    (tmp_path / "a.yaml").write_text(text)
    assert main(["predict", "--config", str(tmp_path / "a.yaml")]) == 2
    assert capsys.readouterr().err.startswith("froq: error: YAML text has the key ")


@pytest.mark.parametrize("text", ["{", "!!python/name:os.system ''"])
def test_what_is_no_yaml_or_names_code_is_an_error_of_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)
