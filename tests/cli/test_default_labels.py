"""What `froq validate` labels images by without being asked, and the published way."""

import json
import re
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main

Rows = Callable[[Path], list[dict[str, str]]]
Validate = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture
def validate(network: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Validate:
    """Calibrates on a source; returns the Observer and what was printed."""

    def run(source: Path, *options: str) -> tuple[dict[str, Any], str]:
        output = tmp_path / "out" / "observer.json"
        assert main(["validate", *network, f"--data.source={source}", f"--output={output}", *options]) == 0
        return json.loads(output.read_text(encoding="utf-8")), capsys.readouterr().out

    return run


def link(images: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for image in images:
        (folder / image.name).symlink_to(image)


@pytest.fixture
def people(shared: Path, tmp_path: Path) -> Path:
    """25 folders of two faces of one subject each."""
    folders = [folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) > 1]
    for folder in folders[:25]:
        link(sorted(folder.iterdir())[:2], tmp_path / "people" / folder.name)
    return tmp_path / "people"


def page(path: Path) -> str:
    """The text of a report."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", path.read_text(encoding="utf-8"))).split())


def test_a_flat_folder_is_labelled_by_altered_versions(
    faces: Path, shared: Path, validate: Validate, rows: Rows, tmp_path: Path
) -> None:
    (faces / "tenth.jpg").symlink_to(sorted((shared / "data" / "faces").glob("*/*.jpg"))[9])
    observer, printed = validate(faces)
    images = observer["calibration_set"]
    assert (images["images"], images["left_out"], images["degradations"]["copies"]) == (20, 0, 1)
    assert images["labels"] == {"method": "pseudo_mated", "why": "no subjects are known"}
    assert (observer["preset"], observer["aggregation"]) == ("ridge", "mean_standardised_norm")
    assert "(preset ridge)" in printed
    assert (
        "labels: pseudo-mated similarity, 20 images and copies against altered versions of the images "
        "(auto: no subjects are known)\n" in printed
    )
    assert "the images and 1 degraded copy of each (blur, downscale," in page(tmp_path / "out" / "observer.html")
    written = rows(tmp_path / "out" / "observer.images.csv")
    assert [row["image"] for row in written[18:]] == ["tenth.jpg", "tenth.jpg (copy 1)"]


def test_folders_of_enough_subjects_are_labelled_by_mates(people: Path, validate: Validate) -> None:
    observer, printed = validate(people)
    labels = observer["calibration_set"]["labels"]
    assert labels.pop("alike") > 0.75
    assert labels == {"method": "mated", "why": "25 subjects have mates", "subjects": 25, "mates": 1.0}
    assert observer["preset"] == "ridge"
    assert (
        "labels: mated similarity, 100 images of 25 subjects with 1.0 mates in the mean "
        "(auto: 25 subjects have mates)\n" in printed
    )


def test_folders_that_are_no_subjects_are_labelled_by_altered_versions(
    people: Path, validate: Validate, tmp_path: Path
) -> None:
    images = sorted(people.glob("*/*.jpg"))
    for number, mixed in enumerate(zip(images[::2], images[3::2] + images[1:2], strict=True)):
        link(mixed, tmp_path / "days" / str(number))
    observer, printed = validate(tmp_path / "days")
    labels = observer["calibration_set"]["labels"]
    assert labels["method"] == "pseudo_mated"
    assert labels["why"].startswith("images of one subject are hardly more alike than others: Expected 75% or more")
    assert f"(auto: {labels['why']})\n" in printed


def test_no_copies_and_no_subjects_are_refused_with_what_helps(
    network: tuple[str, ...], faces: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    output = tmp_path / "out" / "observer.json"
    error = refused("validate", *network, f"--data.source={faces}", f"--output={output}", "--data.degrade.copies=0")
    assert "got none; leave data.degrade.copies out or set it to 1, or choose another model.labeller" in error
    assert not output.parent.exists() or not list(output.parent.iterdir())


def test_the_published_way_is_two_options(
    shared: Path, golden: dict[str, dict[str, Any]], validate: Validate, rows: Rows, tmp_path: Path
) -> None:
    published = dict(list(golden["mobilefacenet"]["labels"].items())[:10])
    link([shared / "data" / "calibration" / name for name in published], tmp_path / "crops")
    observer, _ = validate(tmp_path / "crops", "--model.preset=paper", "--model.labeller=perturbation")
    images = observer["calibration_set"]
    assert (observer["preset"], observer["aggregation"]) == ("paper", "mean_norm")
    assert {layer["weight"] for layer in observer["layers"]} == {1}
    assert (images["images"], images["degradations"], images["labels"]["method"]) == (10, None, "perturbation")
    written = {row["image"]: float(row["pseudo_quality"]) for row in rows(tmp_path / "out" / "observer.images.csv")}
    # The noise is another draw than the published one.
    assert written == pytest.approx({name: label["pseudo_quality"] for name, label in published.items()}, abs=1e-4)
