"""An output replaces its own earlier file and nothing else; an input is never an output."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from froq_lightning.callbacks import QualityWriter
from froq_lightning.cli import main
from froq_lightning.errors import ConfigurationError

Run = Callable[..., str]
SHEET = "--trainer.callbacks=froq_lightning.reporting.ContactSheet"
OTHER = "holds something that this command did not write; move it, or give another output"


@pytest.fixture
def place(shared: Path, observer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two faces, a manifest of them, pairs, labels and an Observer."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "faces").mkdir()
    for name, image in zip("ab", sorted((shared / "data" / "faces").glob("*/*.jpg")), strict=False):
        (tmp_path / "faces" / f"{name}.jpg").write_bytes(image.read_bytes())
    (tmp_path / "own.csv").write_text("path\nfaces/a.jpg\nfaces/b.jpg\n")
    (tmp_path / "labels.csv").write_text("path,pseudo_quality\na.jpg,1\nb.jpg,2\n")
    (tmp_path / "pairs.csv").write_text("image_a,image_b,mated\nfaces/a.jpg,faces/b.jpg,1\nfaces/b.jpg,faces/a.jpg,0\n")
    (tmp_path / "obs.json").write_bytes(observer.read_bytes())
    return tmp_path


@pytest.fixture
def run(place: Path, network: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; returns its error if it is refused, and nothing is changed or lost then."""

    def run(command: str, *options: str) -> str:
        before = contents(place)
        status = main([command, *network, *options])
        error = capsys.readouterr().err
        assert status == (2 if error else 0)
        if error:
            assert contents(place) == before
        return error.removeprefix("froq: error: ").strip()

    return run


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SCORES = ("--model.observer=obs.json", "--data.source=own.csv")
TEST = ("--data.source=pairs.csv", "--model.methods=[random]")
METHOD = "--model.methods=[{method: froq, observer: ./obs.json}]"
FACES = ("--data.source=faces",)


@pytest.mark.parametrize(
    ("command", "options", "read_as"),
    [
        *(
            ("predict", (*SCORES, f"--output={name}"), "data.source")
            for name in ("own.csv", "faces/../own.csv", "hard.csv", "soft.csv")
        ),
        ("predict", ("--model.observer=obs.json", "--data.source=s.csv", "--output=s.csv"), "data.source"),
        ("test", ("--model.observer=obs.json", "--data.source=pairs.csv", "--output=obs.csv"), "model.observer"),
        ("test", ("--data.source=pairs.csv", METHOD, "--output=obs.csv"), "model.methods[0].observer"),
        ("test", (*TEST, "--data.scores={own: {path: s.csv, column: quality}}", "--output=s.csv"), "data.scores.own"),
        ("validate", (*FACES, "--data.labels=new.images.csv", "--output=new.json"), "data.labels"),
        ("validate", (*FACES, "--model.labeller=froq", "--model.observer=obs.json", "--output=obs.json"), "model.obs"),
    ],
)
def test_an_input_is_no_output_under_any_of_its_names_even_if_the_tool_wrote_it(
    run: Run, place: Path, command: str, options: tuple[str, ...], read_as: str
) -> None:
    (place / "hard.csv").hardlink_to(place / "own.csv")
    (place / "soft.csv").symlink_to("own.csv")
    (place / "s.csv").write_text(
        "image,quality_score,quality,status,reason\nfaces/a.jpg,1,3,ok,\nfaces/b.jpg,2,4,ok,\n"
    )
    (place / "new.images.csv").write_text("image,pseudo_quality,quality_score,quality,status,reason\n")
    error = run(command, *options)
    assert f" is to be written, but it is read as {read_as}" in error
    assert error.endswith("; give another output")


MINE = {
    "mine.html": "<!DOCTYPE html><title>mine</title>",
    "mine.layers.csv": "layer,thickness\nsnow,3\n",
    "mine.jsonl": '{"image": "a.jpg", "quality": 3}\n',
    "annotated.csv": "image,quality_score,quality,status,reason,comment\na.jpg,1.5,3,ok,,mine\n",
    "config.config.yaml": "# mine\ntrainer:\n  accelerator: cpu\n",
}


@pytest.mark.parametrize(
    ("command", "options", "lost"),
    [
        ("test", (*TEST, "--output=obs.csv"), "obs.json"),
        ("test", (*TEST, "--output=mine.csv"), "mine.html"),
        ("predict", (*SCORES, "--output=pairs.csv"), "pairs.csv"),
        ("predict", (*SCORES, "--output=mine.parquet"), "mine.parquet"),
        ("predict", (*SCORES, "--output=mine.jsonl"), "mine.jsonl"),
        ("predict", (*SCORES, "--output=annotated.csv"), "annotated.csv"),
        ("predict", (*SCORES, "--output=config.csv"), "config.config.yaml"),
        ("predict", ("--config=config.config.yaml", *SCORES, "--output=config.csv"), "config.config.yaml"),
        ("predict", (*SCORES, "--output=s.csv", "--embeddings=mine.npy"), "mine.npy"),
        ("predict", (*SCORES, "--output=s.csv", SHEET, "--trainer.callbacks.path=faces/a.jpg"), "faces/a.jpg"),
        ("predict", (*SCORES, "--output=link.csv"), "link.csv"),
        ("validate", ("--data.source=faces", "--output=mine.json"), "mine.layers.csv"),
    ],
)
def test_what_the_command_did_not_write_is_refused_and_stays(
    run: Run, place: Path, command: str, options: tuple[str, ...], lost: str
) -> None:
    for name, text in MINE.items():
        (place / name).write_text(text)
    (place / "link.csv").symlink_to("annotated.csv")
    np.save(place / "mine.npy", np.zeros((2, 512), np.float32))
    table = {"image": ["a.jpg"], "embedding": [[1.0]]}
    parquet.write_table(pa.table(table), place / "mine.parquet")
    assert run(command, *options) == f"'{lost}' is to be written, but {OTHER}"


def test_the_same_command_replaces_all_that_it_wrote(run: Run, place: Path) -> None:
    sheet = (SHEET, "--trainer.callbacks.path=ranked.jpeg")
    for options in (
        ("--output=s.csv", "--embeddings=e.npy", SHEET, "--trainer.callbacks.path=ranked.png"),
        ("--output=S.TSV", "--embeddings=E.PARQUET", *sheet),
        ("--output=s.parquet", "--embeddings=E.NPY"),
        ("--output=s.jsonl",),
        ("--output=s",),
    ):
        assert not run("predict", *SCORES, *options)
        before = contents(place)
        assert not run("predict", *SCORES, *options)
        assert contents(place) == before
    assert (place / "S.TSV").read_text().startswith("image\tquality_score\tquality\tstatus\treason\n")
    assert parquet.read_table(place / "s.parquet")["image"].to_pylist() == ["faces/a.jpg", "faces/b.jpg"]
    assert (np.load(place / "e.npy") == np.load(place / "E.NPY", mmap_mode="r")).all()
    embeddings = parquet.read_table(place / "E.PARQUET")["embedding"].to_pylist()
    np.testing.assert_array_equal(np.load(place / "e.npy"), np.array(embeddings, np.float32))
    with Image.open(place / "ranked.jpeg") as picture:
        assert picture.format == "JPEG"


def test_an_evaluation_and_a_calibration_replace_all_that_they_wrote(run: Run, manifest: Path) -> None:
    for _ in range(2):
        assert not run("test", *TEST, "--model.observer=obs.json", "--output=r.csv")
        assert not run("validate", f"--data.source={manifest}", "--output=new.json")
    assert not run("validate", "--model.observer=new.json", f"--data.source={manifest}", "--output=new.json")


def test_a_saved_configuration_is_replaced_unless_it_was_edited_or_copied(run: Run, place: Path) -> None:
    saved, copied = place / "s.config.yaml", place / "copy.config.yaml"
    assert not run("predict", *SCORES, "--output=s.csv")
    copied.write_bytes(saved.read_bytes())
    assert not main(["predict", "--config=s.config.yaml", "--restart=true"])
    assert "restart: true" in saved.read_text()
    assert "'copy.config.yaml'" in run("predict", "--config=copy.config.yaml", "--output=copy.csv")
    saved.write_text(saved.read_text().replace("batch_size: 32", "batch_size: 16"))
    assert run("predict", "--config=s.config.yaml") == f"'s.config.yaml' is to be written, but {OTHER}"


def test_a_command_does_not_replace_what_another_one_wrote(run: Run, manifest: Path) -> None:
    assert not run("validate", f"--data.source={manifest}", "--output=a.json")
    assert run("predict", *SCORES, "--output=a.csv") == f"'a.config.yaml' is to be written, but {OTHER}"
    assert run("test", *TEST, "--model.observer=obs.json", "--output=a.csv").startswith("'a.")


def test_an_empty_file_may_be_replaced_and_a_link_is_followed(run: Run, place: Path) -> None:
    (place / "empty.csv").touch()
    (place / "soft.csv").symlink_to("empty.csv")
    (place / "nowhere.csv").symlink_to("deeper/s.csv")
    for name in ("soft.csv", "nowhere.csv", "nowhere.csv"):
        assert not run("predict", *SCORES, f"--output={name}")
        assert (place / name).is_symlink()
    assert (place / "empty.csv").read_bytes() == (place / "deeper" / "s.csv").read_bytes() != b""
    assert not run("predict", *SCORES, "--output=soft.csv")


@pytest.mark.parametrize("name", ["a.parquet", "x/../A.parquet", "soft.parquet"])
def test_no_two_outputs_share_a_name(run: Run, place: Path, name: str) -> None:
    (place / "x").mkdir()
    (place / "soft.parquet").symlink_to("a.parquet")
    options = ("--output=a.parquet", f"--embeddings={name}")
    assert run("predict", *SCORES, *options).endswith("is to be written twice; give every output a name of its own")


@pytest.mark.parametrize(
    ("command", "output", "message"),
    [
        ("predict", "s.csv.gz", "Expected scores to go to a .csv, .jsonl, .parquet, .tsv, .txt or .xml file"),
        ("predict", "faces/a.jpg", "Expected scores to go to a .csv, .jsonl, .parquet, .tsv, .txt or .xml file"),
        ("test", "r.parquet", "Expected the results to go to a .csv, .tsv or .txt file"),
        ("validate", "o.yaml", "Expected the Observer to go to a .json file"),
    ],
)
def test_another_kind_of_file_is_refused_with_those_there_are(
    run: Run, command: str, output: str, message: str
) -> None:
    source = "pairs.csv" if command == "test" else "faces"
    assert run(command, f"--data.source={source}", f"--output={output}") == f"{message}, but got '{output}'"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs named pipes, and a folder that nobody may write to")
def test_a_place_where_no_file_can_appear_is_refused(run: Run, place: Path) -> None:
    os.mkfifo(place / "pipe.csv")
    for name in ("pipe.csv", os.devnull):
        error = run("predict", *SCORES, f"--output={name}")
        assert "is a pipe or device, where no result can appear as a whole; write to a file" in error
    message = "the folder of the output '/proc/e.npy' cannot be written to: "
    assert run("predict", *SCORES, "--output=s.csv", "--embeddings=/proc/e.npy").startswith(message)


def test_a_tilde_is_the_home_folder_in_every_path(run: Run, place: Path) -> None:
    home = place / "home"
    home.mkdir()
    for name in ("faces", "own.csv", "obs.json"):
        (place / name).rename(home / name)
    paths = ("--model.observer=~/obs.json", "--data.source=~/own.csv", "--output=~/s.csv", "--embeddings=~/e.npy")
    assert not run("predict", *paths, SHEET, "--trainer.callbacks.path=~/ranked.png")
    assert {"s.csv", "s.config.yaml", "e.npy", "ranked.png"} < {path.name for path in home.iterdir()}
    assert not (place / "~").exists()
    assert main(["data", "inspect", "--root=~", str(home / "own.csv")]) == 0


def test_a_folder_in_the_place_of_the_journal_keeps_its_files_and_a_file_is_refused(run: Run, place: Path) -> None:
    (place / "s.csv.partial").mkdir()
    (place / "s.csv.partial" / "mine.txt").write_text("mine")
    assert not run("predict", *SCORES, "--output=s.csv", "--restart=true")
    assert [path.name for path in (place / "s.csv.partial").iterdir()] == ["mine.txt"]
    (place / "t.csv.partial").touch()
    assert "to be free for the journal of this run, but it is a file" in run("predict", *SCORES, "--output=t.csv")


def test_a_writer_in_a_trainer_of_ones_own_refuses_too(place: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'own\.csv' is to be written, but holds something"):
        QualityWriter("own.csv").setup(None, None, "predict")  # type: ignore[arg-type]
    assert (place / "own.csv").read_text().startswith("path\n")
