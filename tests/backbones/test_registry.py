"""What is built from hand-written distributions, and how they fail."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from froq_lightning.backbones.registry import create_aligner, create_backbone
from froq_lightning.errors import BackboneError, ConfigurationError, ExtensionError, WeightsError
from froq_lightning.extensions import ALIGNERS, BACKBONES

Install = Callable[..., Path]


MODULE = """
def build(weights=None, *, width: int = 1):
    return "no backbone"

def aligner(alignment, size, upscale=1):
    if alignment != "known":
        raise ValueError(f"no template {alignment!r}")
    return alignment, size, upscale

def broken():
    raise RuntimeError("no such device")

def leaving():
    raise SystemExit(3)

def strict(weights=None, layers=[], names={}, kind=object()):
    from froq_lightning.errors import WeightsError
    raise WeightsError("other weights are wanted")

number = 3
"""


@pytest.fixture
def fake_plugin(install: Install, on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin whose factories take options and go wrong."""
    names = {"text": "build", "number": "number", "missing": "nothing", "broken": "broken", "leaving": "leaving"} | {
        "strict": "strict"
    }
    (on_path / "froq_fake_plugin.py").write_text(MODULE, encoding="utf-8")
    entries = [f"{name} = froq_fake_plugin:{attribute}" for name, attribute in names.items()]
    install(
        "froq_fake",
        f"[{ALIGNERS}]\nfake = froq_fake_plugin:aligner\n[{BACKBONES}]\n".encode() + "\n".join(entries).encode(),
    )
    monkeypatch.delitem(sys.modules, "froq_fake_plugin", raising=False)


@pytest.mark.usefixtures("fake_plugin")
def test_weights_that_do_not_fit_are_refused_as_such_whatever_else_the_plugin_registers(tmp_path: Path) -> None:
    """The hint looks at the other factories of the plugin, some of which cannot be imported or called."""
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match=r"^other weights are wanted$"):
        create_backbone("strict", weights=str(tmp_path / "weights.pt"))


@pytest.mark.usefixtures("fake_plugin")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing", "'missing' of froq-fake cannot be imported: AttributeError: .*nothing"),
        ("number", "'number' of froq-fake: froq_fake_plugin:number is not callable"),
        ("broken", "backbone 'broken' cannot be built: RuntimeError: no such device"),
        ("leaving", "backbone 'leaving' cannot be built: SystemExit: 3"),
        ("text", "factory of 'text' to return a Backbone, but got str"),
    ],
)
def test_a_plugin_that_fails_is_named_with_its_reason(name: str, told: str) -> None:
    with pytest.raises((BackboneError, ExtensionError), match=told):
        create_backbone(name)


@pytest.mark.usefixtures("fake_plugin")
@pytest.mark.parametrize("options", [{"depth": 3}, {"width": 1, "heigth": 2}])
def test_an_option_it_does_not_take_is_refused_with_those_it_takes(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"options of 'text': .*unexpected.*; it takes: weights, width"):
        create_backbone("text", **options)


def test_a_missing_option_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"options of 'timm': missing .*'architecture'; it takes: architecture"
    ):
        create_backbone("timm")


@pytest.mark.usefixtures("fake_plugin")
def test_an_aligner_is_built_for_a_template_and_a_size() -> None:
    assert create_aligner("fake", "known", (112, 96), upscale=2) == ("known", (112, 96), 2)


@pytest.mark.usefixtures("fake_plugin")
def test_a_template_that_an_aligner_does_not_know_is_a_wrong_configuration() -> None:
    with pytest.raises(ConfigurationError, match="aligner 'fake': no template 'other'"):
        create_aligner("fake", "other", (112, 112))


@pytest.mark.usefixtures("fake_plugin")
def test_an_option_that_an_aligner_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="it takes: alignment, size, upscale"):
        create_aligner("fake", "known", (112, 112), padding=1)
