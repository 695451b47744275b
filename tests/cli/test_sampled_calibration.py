"""`froq validate --data.sample`: a calibration on a random draw of an archive."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tar_files import write_tar

from froq_lightning.cli import main

Rows = Callable[[Path], list[dict[str, str]]]
Validate = Callable[..., tuple[Path, str]]
EACH = 3


@pytest.fixture
def people(shared: Path, tmp_path: Path) -> Path:
    """Ten folders of three faces of one subject each, and five of one."""
    folders = sorted((shared / "data" / "faces").iterdir())
    several = [folder for folder in folders if len(list(folder.iterdir())) >= EACH][:10]
    for folder in several + [folder for folder in folders if folder not in several][:5]:
        (tmp_path / "people" / folder.name).mkdir(parents=True)
        for image in sorted(folder.iterdir())[: EACH if folder in several else 1]:
            (tmp_path / "people" / folder.name / image.name).symlink_to(image)
    return tmp_path / "people"


@pytest.fixture
def shards(people: Path, tmp_path: Path) -> Path:
    """The same faces in three tar files."""
    (tmp_path / "shards").mkdir()
    images = sorted(people.glob("*/*.jpg"))
    for number in range(3):
        part = images[number::3]
        entries = {f"{image.parent.name}/{image.name}": image.read_bytes() for image in part}
        write_tar(tmp_path / "shards" / f"faces-{number}.tar", entries)
    return tmp_path / "shards"


@pytest.fixture
def validate(network: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Validate:
    """Calibrates on a source; returns the file of the Observer and what was printed."""

    def run(source: Path, *options: str, output: str = "out") -> tuple[Path, str]:
        path = tmp_path / output / "observer.json"
        arguments = [f"--data.source={source}", f"--output={path}", "--report=false", *options]
        assert main(["validate", *network, *arguments]) == 0
        return path, capsys.readouterr().out

    return run


def load(observer: Path) -> dict[str, Any]:
    return json.loads(observer.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_a_sample_of_tar_files_has_mates_and_is_the_same_again(shards: Path, validate: Validate, rows: Rows) -> None:
    options = ("--data.sample=12", "--data.stratify=subject", "--model.labeller=mated")
    observer, printed = validate(shards, *options)
    assert printed.startswith("drew 12 of 35 images (seed 0): 3 of each of 4 subjects\n")
    assert f"the images that were drawn: {observer.with_suffix('.sample.csv')}\n" in printed
    images = load(observer)["calibration_set"]
    assert (images["images"], images["left_out"], images["labels"]["subjects"]) == (24, 0, 4)
    drawn = rows(observer.with_suffix(".sample.csv"))
    written = [row["image"] for row in rows(observer.with_suffix(".images.csv"))]
    assert [row["path"] for row in drawn] == written[::2]
    assert {row["subject_id"] for row in drawn} == {name.split("/")[1] for name in written}
    again, _ = validate(shards, *options, output="again")
    other, _ = validate(shards, *options, "--data.seed=1", output="other")
    assert again.read_bytes() == observer.read_bytes()
    assert other.with_suffix(".sample.csv").read_text() != again.with_suffix(".sample.csv").read_text()


def test_the_manifest_of_a_sample_gives_the_same_observer(people: Path, validate: Validate, rows: Rows) -> None:
    observer, printed = validate(people, "--data.sample=11", "--data.seed=7")
    assert printed.startswith("drew 11 of 35 images (seed 7)\n")
    manifest = observer.with_suffix(".sample.csv")
    assert all((people / row["path"]).is_file() for row in rows(manifest))
    again, _ = validate(manifest, f"--data.root={people}", output="again")
    assert again.read_bytes() == observer.read_bytes()
    assert not again.with_suffix(".sample.csv").exists()


def test_labels_of_images_that_were_not_drawn_are_left_out(people: Path, validate: Validate, tmp_path: Path) -> None:
    images = sorted(path.relative_to(people).as_posix() for path in people.glob("*/*.jpg"))
    lines = [f"{name},{place / 35}" for place, name in enumerate(images)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,pseudo_quality", *lines]))
    observer, _ = validate(people, "--data.sample=14", f"--data.labels={tmp_path / 'labels.csv'}")
    images_used = load(observer)["calibration_set"]
    assert (images_used["images"], images_used["left_out"], images_used["labels"]) == (14, 0, {"method": "given"})


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        (
            "predict",
            ("--data.sample=5",),
            "Expected data.sample for `validate` alone, since `predict` scores all images",
        ),
        ("validate", ("--data.stratify=size",), "Expected `sample`, how many images to draw, with `stratify` 'size'"),
        ("validate", ("--data.sample=0",), "Expected `sample` to be at least 1, but got 0"),
        ("validate", ("--data.sample=5", "--data.seed=-1"), "Expected `seed` to be in 0.."),
        ("test", ("--data.sample=5",), "unknown option '--data.sample'"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    verb: str,
    options: tuple[str, ...],
    message: str,
    people: Path,
    network: tuple[str, ...],
    observer: Path,
    refused: Callable[..., str],
) -> None:
    model = [] if verb == "validate" else [f"--model.observer={observer}"]
    output = "--output=scores.csv" if verb == "predict" else "--output=observer.json"
    assert message in refused(verb, *network, *model, f"--data.source={people}", output, *options)


def test_a_table_of_the_user_is_not_replaced_by_the_manifest(
    people: Path, network: tuple[str, ...], refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "observer.sample.csv").write_text("mine")
    error = refused("validate", *network, f"--data.source={people}", "--data.sample=12", "--output=observer.json")
    assert "observer.sample.csv" in error
    assert (tmp_path / "observer.sample.csv").read_text() == "mine"
