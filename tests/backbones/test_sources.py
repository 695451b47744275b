"""Modules found and parsed as they lie in folders; importing one of them would fail."""

import sys
from pathlib import Path

import pytest

from froq_lightning.backbones.sources import SourceError, Sources


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    assert not [name for name in sys.modules if name.startswith("sourced")]


def write(file: Path, text: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\nraise SystemExit('imported')\n", encoding="utf-8")


def test_a_module_is_found_in_packages_that_are_not_imported(site: Path) -> None:
    write(site / "sourced" / "__init__.py")
    write(site / "sourced" / "net.py")
    found = Sources().locate("sourced.net")
    assert found is not None
    assert found.origin == str(site / "sourced" / "net.py")


def test_a_module_is_found_in_namespaces_within_namespaces(site: Path) -> None:
    write(site / "sourced_space" / "vision" / "faces" / "net.py", "size = 112")
    sources = Sources()
    assert sources.read("sourced_space.vision.faces.net").bound == {"size"}
    assert sources.locate("sourced_space.vision.voices") is None


@pytest.mark.parametrize("module", ["sourced_nowhere", "sourced_nowhere.net", "sys.net", "", ".net"])
def test_what_does_not_exist_is_not_found(module: str, site: Path) -> None:
    write(site / "net.py")
    assert Sources().locate(module) is None


def test_what_was_read_once_is_not_read_again(site: Path) -> None:
    write(site / "sourced_once.py", "first = 1")
    sources = Sources()
    read = sources.read("sourced_once")
    write(site / "sourced_once.py", "second = 2")
    assert sources.read("sourced_once") is read
    assert Sources().read("sourced_once").bound == {"second"}


def test_relative_imports_are_told_by_their_full_names(site: Path) -> None:
    write(site / "sourced_tree" / "__init__.py", "from . import net\nfrom .parts import block as Block")
    write(site / "sourced_tree" / "net.py", "import os.path as paths\nfrom .parts import block\nfrom math import pi")
    write(site / "sourced_tree" / "parts.py")
    sources = Sources()
    assert sources.imports("sourced_tree") == ("sourced_tree", "sourced_tree.net", "sourced_tree.parts")
    assert sources.imports("sourced_tree.net") == ("os.path", "sourced_tree.parts", "math")
    assert sources.read("sourced_tree").aliases[1] == ("Block", "sourced_tree.parts", "block")
    assert sources.read("sourced_tree.net").aliases[0] == ("paths", "os.path", "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from math import *", True),
        ("def __getattr__(name): return name", True),
        ("from math import pi\nclass Net:\n    def __getattr__(self, name): return name", False),
    ],
)
def test_names_may_be_bound_that_do_not_show(source: str, expected: bool, site: Path) -> None:
    write(site / "sourced_names.py", source)
    assert Sources().read("sourced_names").may_bind_more is expected


def test_a_module_that_is_not_python_may_bind_anything() -> None:
    source = Sources().read("sys")
    assert source.may_bind_more
    assert source.bound == set()


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"def build(:\n", "sourced_bad is no valid Python in line 1: "), (b"\x00", "sourced_bad is no valid Python: ")],
)
def test_a_module_that_cannot_be_parsed_is_told(content: bytes, told: str, site: Path) -> None:
    (site / "sourced_bad.py").write_bytes(content)
    with pytest.raises(SourceError, match=told):
        Sources().read("sourced_bad")
