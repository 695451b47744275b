"""Tables and lists on the pages name what there is."""

import re

import pages

import froq_lightning
from froq_lightning.cli.parser import create_parser
from froq_lightning.data.degradations import KINDS
from froq_lightning.defects.defects import DEFECTS
from froq_lightning.extensions import BACKBONES, FORMATS, METHODS, discover
from froq_lightning.methods.quality_method import SetLabeller


def first_cells(page: str, header: str) -> set[str]:
    """The names in the first cells of the table that has that header."""
    table = pages.text(page).split(header)[1].split("\n\n")[0]
    cells = re.findall(r"^\| (.*?) \|", table, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([\w ]+)`", cell)}


def built_in(*, labellers: bool) -> set[str]:
    methods = {name: method.load() for name, method in discover(METHODS).plugins.items()}
    return {name for name, method in methods.items() if issubclass(method, SetLabeller) == labellers}


def test_the_table_of_networks_is_that_of_the_plugins() -> None:
    rows = re.findall(r"^\| (froq-\w+) \| (.*?) \|", pages.text("networks"), flags=re.MULTILINE)
    listed = {(name, row) for row, names in rows for name in re.findall(r"`([a-z_0-9]+)`", names)}
    registered = {(plugin.name, plugin.distribution) for plugin in discover(BACKBONES).plugins.values()}
    installed = {distribution for _, distribution in registered}
    assert {entry for entry in listed if entry[1] in installed} == {
        entry for entry in registered if entry[1] in dict(rows)
    }


def test_the_table_of_methods_names_all() -> None:
    assert first_cells("measure", "| method | what it does | needs |") == built_in(labellers=False)


def test_the_labels_and_degradations_that_calibration_makes_are_told() -> None:
    assert first_cells("calibrate", "| `--labeller` |") == built_in(labellers=True) | {"perturbation"}
    assert f"`data.degrade.kinds` says how: {', '.join(KINDS)}." in " ".join(pages.text("calibrate").split())


def test_all_formats_of_scores_are_told() -> None:
    formats = {name: each.load() for name, each in discover(FORMATS).plugins.items()}
    scores = {name for name, each in formats.items() if each.holds == "scores" and "markdown" not in name}
    assert first_cells("outputs", "| format | suffix | what it is |") == scores


def test_all_commands_are_told() -> None:
    (commands,) = [action.choices for action in create_parser()._actions if action.dest == "command"]
    assert first_cells("command-line", "| command | what it does |") == {f"froq {name}" for name in commands}


def test_all_defects_are_told() -> None:
    for page in ("first-scores", "outputs"):
        assert all(f"`{defect.name}`" in pages.text(page) for defect in DEFECTS)


def test_llms_txt_names_every_page() -> None:
    listed = re.findall(r"^- \[[^\]]+\]\(([\w/-]+)\.html\)", (pages.DOCS / "llms.txt").read_text(), flags=re.MULTILINE)
    assert sorted(listed) == pages.names()


def test_the_reference_has_every_public_name() -> None:
    reference = pages.text("reference")
    for name in froq_lightning.__all__:
        assert re.search(rf"^\.\. (autoclass|py:data):: froq_lightning\.{name}$", reference, flags=re.MULTILINE), name
