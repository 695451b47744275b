"""Broken plugins leave all others working, and `froq backbones list --check` says what is wrong with each."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from froq_lightning.backbones import checkpoint_hints
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.cli import main
from froq_lightning.errors import WeightsError

GOOD = """
from torch import nn
from froq_lightning.backbones.spec import Backbone, Preprocessing

def build(weights=None):
    return Backbone.with_weights(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), Preprocessing((8, 8)), weights)
"""
BROKEN = {
    "syntax": ("def build(:", "cannot be imported: SyntaxError: "),
    "dependency": ("import not_installed_anywhere\n" + GOOD, "No module named 'not_installed_anywhere'"),
    "renamed": (GOOD.replace("build", "built"), "has no attribute 'build'"),
    "returning": (GOOD.replace("return Backbone", "return nn.Identity() or Backbone"), ""),
    "exit": ("def build(weights=None): raise SystemExit(3)", ""),
    "opaque": ("from torch import nn\ndef build(weights=None):\n    made = nn.ReLU()\n    return made", ""),
    "network": (GOOD.replace("nn.Sequential(", "type('N', (nn.Sequential,), {'state_dict': 3, 'forward': None})("), ""),
    "leaving": ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    "number": ("build = 3", "broken_number:build is not callable"),
}


@pytest.fixture(autouse=True)
def site(install: Callable[..., Path], on_path: Path) -> Path:
    """A folder of installed plugins: one that works, and one of each kind that does not."""
    for name, (source, _) in {**BROKEN, "twin_b": (GOOD, ""), "entry": (GOOD, "")}.items():
        (on_path / f"broken_{name}.py").write_text(source)
    (on_path / "working.py").write_text(GOOD)
    install("working", "working = working:build")
    for name in (*BROKEN, "absent"):
        install(f"broken_{name}", f"{name} = broken_{name}:build")
    install("broken_entry", "entry = not an entry point")
    install("broken_twin_a", "twin = working:build")
    install("broken_twin_b", "twin = broken_twin_b:build")
    return on_path


def test_the_checked_list_gives_the_reason_of_each_and_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "list", "--check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = {line.split()[0] for line in lines}
    assert {"timm", "working"} <= named
    unusable = [line.strip() for line in lines if "unusable" in line]
    for name, (_, reason) in BROKEN.items():
        if reason:
            assert any(f"'{name}' of broken-{name}" in line and reason in line for line in unusable), name
            assert name not in named
    assert any("'absent' of broken-absent" in line and "No module named 'broken_absent'" in line for line in unusable)
    assert any("broken_entry" in line and "malformed entry" in line for line in unusable)
    assert any("twin is claimed by broken-twin-a" in line and "and broken-twin-b" in line for line in unusable)


@pytest.mark.parametrize("action", ["show", "check"])
def test_the_working_one_works_and_weights_that_do_not_fit_are_refused_whatever_other_plugins_do(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backbones", action, "working"]) == 0
    assert ("the contract holds" in capsys.readouterr().out) == (action == "check")
    torch.save({"0.weight": torch.ones(2)}, tmp_path / "bad.pt")
    assert main(["backbones", action, "working", f"weights={tmp_path / 'bad.pt'}"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("froq: error: bad.pt does not fit Sequential: keys 2 missing (1.weight, 1.bias)")
    assert message.count("\n") == 1


def test_a_plugin_that_takes_long_is_not_waited_for(
    install: Callable[..., Path], site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("slow", "slow = slow:build")
    (site / "slow.py").write_text("import time\ndef build(weights=None): time.sleep(60)")
    monkeypatch.setattr(checkpoint_hints, "SECONDS_TO_BUILD", 0.5)
    torch.save({"0.weight": torch.ones(2)}, tmp_path / "bad.pt")
    start = time.monotonic()
    with pytest.raises(WeightsError, match=r"bad\.pt does not fit"):
        create_backbone("working", weights=str(tmp_path / "bad.pt"))
    assert time.monotonic() - start < 50


@pytest.mark.parametrize("action", ["show", "check"])
def test_a_network_that_fails_is_told_in_a_line(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", action, "network"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
