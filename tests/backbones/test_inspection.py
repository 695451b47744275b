"""What a factory's source tells, without running it: each package here would leave a mark if it were imported."""

import itertools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from froq_lightning.backbones.inspection import defect
from froq_lightning.backbones.sources import Sources

Package = Callable[[Mapping[str, str]], str]
NUMBER = itertools.count()
SPEC = "from froq_lightning.backbones.spec import Backbone, Preprocessing\nfrom torch import nn\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Write a package, with `.` for its own name in absolute imports, and return its name."""

    def write(files: Mapping[str, str]) -> str:
        name = f"inspected_{next(NUMBER)}"
        (tmp_path / name).mkdir()
        for file, text in {"__init__.py": "", **files}.items():
            mark = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
            (tmp_path / name / file).write_text(text.replace("PKG", name) + f"\n{mark}")
        monkeypatch.syspath_prepend(tmp_path)
        return name

    yield write
    assert not (tmp_path / "ran").exists()
    assert not [name for name in sys.modules if name.startswith("inspected_")]


GOOD = {
    "a call": "def build(weights=None):\n    return Backbone(nn.Identity(), Preprocessing(), None)",
    "a class method": "def build(weights=None):\n    return Backbone.with_weights(nn.Identity(), None, weights)",
    "annotated": "def build() -> Backbone:\n    return _made()\ndef _made(): ...",
    "quoted": "def build() -> 'Backbone':\n    return _made()\ndef _made(): ...",
    "unknown": "from functools import partial\ndef _made(size): return size\nbuild = partial(_made, 3)",
    "a variable": "def build():\n    made = Backbone(None, None, None)\n    return made",
    "dynamic": "def __getattr__(name):\n    return name",
    "subclass": "class build(Backbone):\n    pass",
    "named as its base": "class Backbone(Backbone): pass\ndef build(): return Backbone()",
    "inner function": "def build():\n    def embed(x):\n        return 1\n    return Backbone(embed)",
    "optional": "try:\n    import not_installed_anywhere\nexcept ImportError: ...\ndef build(): return Backbone()",
    "lazy": "def build():\n    import not_installed_anywhere\n    return Backbone()",
    "refusing": "def build():\n    raise RuntimeError('not on this machine')",
}


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_a_factory_without_a_visible_defect_passes(source: str, package: Package) -> None:
    assert defect(f"{package({'net.py': SPEC + source})}.net:build") == ""


BROKEN = {
    "def build(:": "is no valid Python in line 3: ",
    "import not_installed_anywhere\ndef build(): return Backbone()": "needs 'not_installed_anywhere', which is not",
    "from os.nothing import x\ndef build(): return Backbone()": "needs 'os.nothing', which is not installed",
    "from .other import x\ndef build(): return Backbone()": ".other', which is not installed",
    "def built(): return Backbone()": "has no 'build'",
    "build = 3": "build is not callable",
    "def build(): return 'a backbone'": "build returns 'a backbone', instead of a Backbone",
    "def build(): return": "build returns nothing, instead of a Backbone",
    "def build(): pass": "build returns nothing, instead of a Backbone",
    "def build(): return nn.Linear(3, 4)": "build returns nn.Linear, instead of a Backbone",
    "def build() -> nn.Module: return made()": "build returns nn.Module, instead of a Backbone",
    "def build() -> dict: return made()": "build returns dict, instead of a Backbone",
    "def build(): return Net()\nclass Net(nn.Module): pass": "build returns Net, instead of a Backbone",
    "class build(nn.Module): pass": "build is a class, and no Backbone",
    "def build(): return Backbone(), Preprocessing()": "build returns (Backbone(), Preprocessing()), instead of",
}


@pytest.mark.parametrize(("source", "told"), BROKEN.items(), ids=BROKEN)
def test_a_broken_factory_is_told_with_its_reason(source: str, told: str, package: Package) -> None:
    assert told in defect(f"{package({'net.py': SPEC + source})}.net:build")


def test_a_module_that_does_not_exist_is_told(package: Package) -> None:
    name = package({})
    assert defect(f"{name}.missing:build") == f"there is no module '{name}.missing'"
    assert defect("not_installed_anywhere:build") == "there is no module 'not_installed_anywhere'"
    assert "there is no module" in defect("sys.missing:build")


def test_a_module_that_is_no_text_is_told(package: Package, tmp_path: Path) -> None:
    name = package({})
    (tmp_path / name / "net.py").write_bytes(b"\xff\x00")
    assert "is no valid Python" in defect(f"{name}.net:build")


@pytest.mark.parametrize("file", ["__init__.py", "parts.py"])
def test_defects_of_what_the_module_imports_of_its_own_package_count(file: str, package: Package) -> None:
    files = {"net.py": f"from . import parts\n{SPEC}def build(): return Backbone()", "parts.py": ""}
    assert "needs 'not_installed_anywhere'" in defect(
        f"{package(files | {file: 'import not_installed_anywhere.part'})}.net:build"
    )


def test_a_definition_is_found_through_imports_of_the_same_package(package: Package) -> None:
    files = {"__init__.py": "from PKG.net import made as build", "net.py": f"{SPEC}def made(): return nn.Identity()"}
    assert "returns nn.Identity" in defect(f"{package(files)}:build")
    files["net.py"] = f"{SPEC}def made(): return Backbone()"
    assert defect(f"{package(files)}:build") == ""


def test_factories_of_one_package_are_told_apart_though_it_is_read_once(package: Package) -> None:
    source = f"{SPEC}def good(): return Backbone()\ndef bad(): return 3"
    name, sources = package({"net.py": source}), Sources()
    found = [defect(f"{name}.net:{factory}", sources=sources) for factory in ("good", "bad", "gone", "good")]
    assert found == ["", "bad returns 3, instead of a Backbone", f"{name}.net has no 'gone'", ""]


def test_an_aligner_may_return_anything(package: Package) -> None:
    target = f"{package({'align.py': 'def build(alignment, size): return 3'})}.align:build"
    assert defect(target, of_backbones=False) == ""
    assert "has no 'other'" in defect(target.replace("build", "other"), of_backbones=False)
