"""Plugins as they lie in folders: hand-written distributions, good and broken, beside each other."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.backbones.registry import (
    ALIGNERS,
    BACKBONES,
    create_aligner,
    create_backbone,
    discover,
    find,
)
from froq_lightning.errors import BackboneError, ConfigurationError, UnknownNameError

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Write a distribution's metadata into a folder, as an installer would leave it."""

    def write(
        distribution: str, entries: str | bytes, folder: str = "site", group: str = BACKBONES, fields: str = ""
    ) -> Path:
        info = tmp_path / folder / f"{distribution}-1.5.dist-info"
        info.mkdir(parents=True)
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n{fields}"
        (info / "METADATA").write_text(head, encoding="utf-8")
        content = entries if isinstance(entries, bytes) else f"[{group}]\n{entries}\n".encode()
        (info / "entry_points.txt").write_bytes(content)
        return tmp_path / folder

    return write


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from, for the modules of plugins."""
    folder = tmp_path / "site"
    folder.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_the_built_in_backbone_is_registered() -> None:
    plugin = find(BACKBONES, "timm")
    assert (plugin.target, plugin.distribution) == ("froq_lightning.backbones.timm:timm_backbone", "froq-lightning")


def test_a_plugin_is_found_with_its_distribution(install: Install) -> None:
    folder = install("froq_fake", "fake = froq_fake.net:build")
    plugin = discover(BACKBONES, [str(folder)]).plugins["fake"]
    assert (plugin.name, plugin.target, plugin.distribution) == ("fake", "froq_fake.net:build", "froq-fake")


def test_version_and_licence_are_those_of_the_distribution(install: Install, on_path: Path) -> None:
    install("froq_fake", "fake = froq_fake.net:build", fields="License-Expression: MIT\n")
    install("froq_old", "old = froq_old.net:build", fields="License: BSD\n")
    assert on_path.is_dir()
    fake, old = find(BACKBONES, "fake"), find(BACKBONES, "old")
    assert (fake.version, fake.licence) == ("1.5", "MIT")
    assert (old.version, old.licence) == ("1.5", "BSD")


def test_a_distribution_without_metadata_is_of_unknown_version(install: Install) -> None:
    plugin = discover(BACKBONES, [str(install("froq_gone", "gone = froq_gone:build"))]).plugins["gone"]
    assert (plugin.version, plugin.licence) == ("unknown", "unknown")


def test_other_groups_do_not_show(install: Install) -> None:
    folder = install("froq_fake", "fake = froq_fake:build", group=ALIGNERS)
    assert discover(BACKBONES, [str(folder)]).plugins == {}
    assert list(discover(ALIGNERS, [str(folder)]).plugins) == ["fake"]


def test_names_keep_their_case(install: Install) -> None:
    folder = install("froq_fake", "IResNet = froq_fake:big\niresnet = froq_fake:small")
    assert set(discover(BACKBONES, [str(folder)]).plugins) == {"IResNet", "iresnet"}


def test_folders_that_do_not_exist_are_passed_over(install: Install, tmp_path: Path) -> None:
    folder = install("froq_fake", "fake = froq_fake:build")
    discovery = discover(BACKBONES, [str(tmp_path / "nowhere"), str(folder), ""])
    assert "fake" in discovery.plugins


def test_identical_registrations_fold_into_one(install: Install) -> None:
    folders = [install("froq_fake", "fake = froq_fake:build", folder=name) for name in ("one", "two")]
    discovery = discover(BACKBONES, [str(folder) for folder in (*folders, folders[0])])
    assert list(discovery.plugins) == ["fake"]
    assert discovery.problems == ()


def test_a_conflict_names_both_distributions_and_hides_nothing_else(install: Install) -> None:
    install("froq_first", "fake = froq_first:build\nother = froq_first:other")
    folder = install("froq_second", "fake = froq_second:build")
    discovery = discover(BACKBONES, [str(folder)])
    assert list(discovery.plugins) == ["other"]
    (problem,) = discovery.problems
    assert problem.where == "fake"
    assert "froq-first (froq_first:build)" in problem.reason
    assert "froq-second (froq_second:build)" in problem.reason
    with pytest.raises(BackboneError, match=r"'fake' is claimed by .* and .*; uninstall one of them"):
        find(BACKBONES, "fake", [str(folder)])


@pytest.mark.parametrize(
    "broken",
    [
        b"fake = no.section:here\n",
        f"[{BACKBONES}]\nthis line says nothing\n".encode(),
        f"[{BACKBONES}]\na = b:c\na = d:e\n".encode(),
        f"[{BACKBONES}]\nn\xe4me = b:c\n".encode("latin-1"),
        b"\xff\xfe\x00\x00",
    ],
    ids=["no section", "no value", "name twice", "not UTF-8", "binary"],
)
def test_an_unreadable_file_costs_only_itself(broken: bytes, install: Install) -> None:
    install("froq_broken", broken)
    folder = install("froq_fine", "fine = froq_fine:build")
    discovery = discover(BACKBONES, [str(folder)])
    assert list(discovery.plugins) == ["fine"]
    (problem,) = discovery.problems
    assert problem.where in ("froq_broken", "froq-broken")
    assert "unreadable entry_points.txt" in problem.reason


@pytest.mark.parametrize("target", ["not a target", "module:", "mod-ule:build", ":build"])
@pytest.mark.parametrize("beside_unreadable", [False, True])
def test_a_malformed_entry_does_not_hide_its_neighbours(
    target: str, install: Install, *, beside_unreadable: bool
) -> None:
    folder = install("froq_fake", f"bad = {target}\ngood = froq_fake:build")
    if beside_unreadable:
        install("froq_broken", b"\xff\xfe")
    discovery = discover(BACKBONES, [str(folder)])
    assert list(discovery.plugins) == ["good"]
    assert any("malformed entry" in problem.reason and target in problem.reason for problem in discovery.problems)


def test_listing_imports_nothing(install: Install, on_path: Path) -> None:
    (on_path / "froq_noisy.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    install("froq_noisy", "noisy = froq_noisy:build")
    assert "noisy" in discover(BACKBONES).plugins
    assert "froq_noisy" not in sys.modules


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown backbone 'tim'; nearest: timm"):
        find(BACKBONES, "tim")


def test_an_unknown_name_far_from_all_is_told_all(install: Install) -> None:
    folder = install("froq_fake", "fake = froq_fake:build\nother = froq_fake:other")
    with pytest.raises(UnknownNameError, match="unknown backbone 'zzz'; there is: fake, other"):
        find(BACKBONES, "zzz", [str(folder)])


def test_an_unknown_name_where_nothing_is_installed_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown aligner 'any'; there is: none installed"):
        find(ALIGNERS, "any", [str(tmp_path)])


MODULE = """
def build(weights=None, *, width: int = 1):
    return "no backbone"

def aligner(alignment, size, upscale=1):
    if alignment != "known":
        raise ValueError(f"no template {alignment!r}")
    return alignment, size, upscale

def broken():
    raise RuntimeError("no such device")

number = 3
"""


@pytest.fixture
def fake_plugin(install: Install, on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin whose factories take options and go wrong."""
    names = {"text": "build", "number": "number", "missing": "nothing", "broken": "broken"}
    (on_path / "froq_fake_plugin.py").write_text(MODULE, encoding="utf-8")
    (on_path / "froq_fake_failing.py").write_text("import no_such_dependency\n", encoding="utf-8")
    entries = [f"{name} = froq_fake_plugin:{attribute}" for name, attribute in names.items()]
    entries += ["failing = froq_fake_failing:build", "absent = froq_fake_absent:build"]
    install(
        "froq_fake",
        f"[{ALIGNERS}]\nfake = froq_fake_plugin:aligner\n[{BACKBONES}]\n".encode() + "\n".join(entries).encode(),
    )
    for module in ("froq_fake_plugin", "froq_fake_failing"):
        monkeypatch.delitem(sys.modules, module, raising=False)


@pytest.mark.usefixtures("fake_plugin")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("failing", "'failing' of froq-fake cannot be imported: ModuleNotFoundError: No module named 'no_such_dep"),
        ("absent", "'absent' of froq-fake cannot be imported: ModuleNotFoundError"),
        ("missing", "'missing' of froq-fake cannot be imported: AttributeError: .*nothing"),
        ("number", "'number' of froq-fake: froq_fake_plugin:number is not callable"),
        ("broken", "backbone 'broken' cannot be built: RuntimeError: no such device"),
        ("text", "factory of 'text' to return a Backbone, but got str"),
    ],
)
def test_a_plugin_that_fails_is_named_with_its_reason(name: str, told: str) -> None:
    with pytest.raises(BackboneError, match=told):
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
