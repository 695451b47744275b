"""What is found of hand-written distributions, good and broken, beside each other."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.errors import ExtensionError, UnknownNameError
from froq_lightning.extensions import ALIGNERS, BACKBONES, discover, find

Install = Callable[..., Path]


def test_extensions_of_a_group_are_found_once_with_their_distribution_wherever_they_lie(
    install: Install, tmp_path: Path
) -> None:
    entries = "fake = froq_fake.net:build\nFake = froq_fake.net:Build"  # names keep their case
    folders = [install("froq_fake", entries, folder=name) for name in ("one", "two")]
    install("froq_other", "other = froq_other:build", folder="two", group=ALIGNERS)
    discovery = discover(BACKBONES, [str(folder) for folder in (tmp_path / "nowhere", *folders, folders[0], "")])
    assert {"fake", "Fake"} <= set(discovery.plugins)
    assert "other" not in discovery.plugins
    fake = discovery.plugins["fake"]
    assert (fake.name, fake.target, fake.distribution) == ("fake", "froq_fake.net:build", "froq-fake")
    assert (fake.version, fake.licence) == ("unknown", "unknown")  # its metadata is not on the path
    assert discovery.problems == ()
    with pytest.raises(UnknownNameError, match="unknown aligner 'zzz'; there is: other"):
        find(ALIGNERS, "zzz", [str(folders[1])])


def test_version_and_licence_are_those_of_the_distribution(install: Install, on_path: Path) -> None:
    install("froq_fake", "fake = froq_fake.net:build", fields="License-Expression: MIT\n")
    install("froq_old", "old = froq_old.net:build", fields="License: BSD\n")
    install("froq_empty", "empty = froq_empty.net:build", fields="License: \n")
    install("froq_latin", "latin = froq_latin.net:build")
    with (on_path / "froq_latin-1.5.dist-info" / "METADATA").open("ab") as metadata:
        metadata.write("License: M\xe4x\n".encode("latin-1"))
    licences = [find(BACKBONES, name).licence for name in ("fake", "old", "empty", "latin")]
    assert licences == ["MIT", "BSD", "unknown", "unknown"]
    assert find(BACKBONES, "fake").version == "1.5"


def test_a_conflict_names_both_distributions_and_hides_nothing_else(install: Install) -> None:
    install("froq_first", "fake = froq_first:build\nother = froq_first:other")
    folder = install("froq_second", "fake = froq_second:build")
    discovery = discover(BACKBONES, [str(folder)])
    assert list(discovery.plugins) == ["other"]
    (problem,) = discovery.problems
    assert problem.where == "fake"
    assert "froq-first (froq_first:build)" in problem.reason
    assert "froq-second (froq_second:build)" in problem.reason
    with pytest.raises(ExtensionError, match=r"'fake' is claimed by .* and .*; uninstall one of them"):
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


def test_an_unknown_name_where_nothing_is_installed_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown aligner 'any'; there is: none installed"):
        find(ALIGNERS, "any", [str(tmp_path)])
