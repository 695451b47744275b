"""Broken plugins leave all others working, and the list tells what is wrong with each."""

from pathlib import Path

import pytest

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.cli import main
from froq_lightning.errors import BackboneError

GOOD = """
from torch import nn
from froq_lightning.backbones.spec import Backbone, Preprocessing

def build(weights=None):
    return Backbone.with_weights(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), Preprocessing((8, 8)), weights)
"""
BROKEN = {
    "syntax": ("def build(:", "is no valid Python in line 1"),
    "dependency": ("import not_installed_anywhere\n" + GOOD, "needs 'not_installed_anywhere', which is not installed"),
    "renamed": (GOOD.replace("build", "built"), "broken_renamed has no 'build'"),
    "returning": (GOOD.replace("return Backbone", "return nn.Identity() or Backbone"), ""),
    "wrong": ("from torch import nn\ndef build(weights=None): return nn.Identity()", "build returns nn.Identity"),
}


def install(folder: Path, distribution: str, entry: str, source: str | None) -> None:
    """Leave a distribution with one module as an installer would."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[froq_lightning.backbones]\n{entry}\n")
    if source is not None:
        (folder / f"{distribution}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed plugins: one that works, and one of each kind that does not."""
    folder = tmp_path / "site"
    folder.mkdir()
    install(folder, "working", "working = working:build", GOOD)
    for name, (source, _) in BROKEN.items():
        install(folder, f"broken_{name}", f"{name} = broken_{name}:build", source)
    install(folder, "broken_absent", "absent = broken_absent:build", None)
    install(folder, "broken_entry", "entry = not an entry point", GOOD)
    install(folder, "broken_twin_a", "twin = working:build", None)
    install(folder, "broken_twin_b", "twin = broken_twin_b:build", GOOD)
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.mark.usefixtures("site")
def test_the_list_tells_the_reason_of_each_and_shows_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    named = {line.split()[0] for line in told}
    assert {"timm", "working"} <= named
    unusable = [line.strip() for line in told if "unusable" in line]
    for name, (_, reason) in BROKEN.items():
        if reason:
            assert any(f"{name} of broken-{name}: " in line and reason in line for line in unusable), name
            assert name not in named
    assert any("absent of broken-absent: there is no module 'broken_absent'" in line for line in unusable)
    assert any("broken_entry" in line and "malformed entry" in line for line in unusable)
    assert any("twin is claimed by broken-twin-a" in line and "and broken-twin-b" in line for line in unusable)


@pytest.mark.usefixtures("site")
def test_the_working_one_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "check", "working"]) == 0
    assert "the contract holds" in capsys.readouterr().out


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("syntax", "cannot be imported: SyntaxError"),
        ("dependency", "cannot be imported: ModuleNotFoundError: No module named 'not_installed_anywhere'"),
        ("renamed", "cannot be imported: AttributeError"),
        ("absent", "cannot be imported: ModuleNotFoundError"),
        ("returning", "return a Backbone, but got Identity"),
        ("wrong", "return a Backbone, but got Identity"),
        ("twin", "is claimed by"),
    ],
)
def test_using_a_broken_one_tells_the_reason(name: str, told: str) -> None:
    with pytest.raises(BackboneError, match=told):
        create_backbone(name)
