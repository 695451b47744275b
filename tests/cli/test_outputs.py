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


@pytest.mark.parametrize("name", ["own.csv", "faces/../own.csv", "hard.csv", "soft.csv"])
def test_the_manifest_is_no_output_under_any_of_its_names(run: Run, place: Path, name: str) -> None:
    (place / "hard.csv").hardlink_to(place / "own.csv")
    (place / "soft.csv").symlink_to("own.csv")
    assert run("predict", *SCORES, f"--output={name}").endswith("it is read as data.source; give another output")


def test_what_the_tool_wrote_is_no_output_where_it_is_an_input(run: Run) -> None:
    assert not run("predict", *SCORES, "--output=s.csv")
    message = "'s.csv' is to be written, but it is read as data.source; give another output"
    assert run("predict", "--model.observer=obs.json", "--data.source=s.csv", "--output=s.csv") == message
    test = ("test", "--model.observer=obs.json", "--data.source=pairs.csv")
    assert "'obs.json' is to be written, but it is read as model.observer" in run(*test, "--output=obs.csv")
    methods = "--model.methods=[{method: froq, observer: ./obs.json}]"
    assert "read as model.methods[0].observer" in run("test", methods, "--data.source=pairs.csv", "--output=obs.csv")
    scores = "--data.scores={own: {path: s.csv, column: quality}}"
    assert "read as data.scores.own.path" in run(*test, scores, "--output=s.csv")
    Path("new.images.csv").write_text("image,pseudo_quality,quality_score,quality,status,reason\n")
    labels = ("--data.source=faces", "--data.labels=new.images.csv")
    assert "read as data.labels" in run("validate", *labels, "--output=new.json")
    labeller = ("--model.labeller=froq", "--model.observer=obs.json", "--data.source=faces", "--output=obs.json")
    assert "read as model.observer" in run("validate", *labeller)


MINE = {
    "mine.html": "<!DOCTYPE html><title>mine</title>",
    "mine.layers.csv": "layer,thickness\nsnow,3\n",
    "mine.jsonl": '{"image": "a.jpg", "quality": 3}\n',
    "annotated.csv": "image,quality_score,quality,status,reason,comment\na.jpg,1.5,3,ok,,mine\n",
    "config.config.yaml": "# mine\ntrainer:\n  accelerator: cpu\n",
    "config.json": '{"schema_version": 1}',
}
TEST = ("--data.source=pairs.csv", "--model.methods=[random]")


@pytest.mark.parametrize(
    ("command", "options", "lost"),
    [
        ("test", (*TEST, "--output=obs.csv"), "obs.json"),
        ("test", (*TEST, "--output=mine.csv"), "mine.html"),
        ("test", (*TEST, "--output=own.csv"), "own.csv"),
        ("predict", (*SCORES, "--output=pairs.csv"), "pairs.csv"),
        ("predict", (*SCORES, "--output=mine.parquet"), "mine.parquet"),
        ("predict", (*SCORES, "--output=mine.jsonl"), "mine.jsonl"),
        ("predict", (*SCORES, "--output=annotated.csv"), "annotated.csv"),
        ("predict", (*SCORES, "--output=config.csv"), "config.config.yaml"),
        ("predict", ("--config=config.config.yaml", *SCORES, "--output=config.csv"), "config.config.yaml"),
        ("predict", (*SCORES, "--output=s.csv", "--embeddings=mine.npy"), "mine.npy"),
        ("predict", (*SCORES, "--output=s.csv", "--embeddings=mine.parquet"), "mine.parquet"),
        ("predict", (*SCORES, "--output=s.csv", SHEET, "--trainer.callbacks.path=faces/a.jpg"), "faces/a.jpg"),
        ("predict", (*SCORES, "--output=link.csv"), "link.csv"),
        ("validate", ("--data.source=faces", "--output=mine.json"), "mine.layers.csv"),
        ("validate", ("--data.source=faces", "--output=config.json"), "config.json"),
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


@pytest.mark.parametrize(
    "names", [("a.parquet", "a.parquet"), ("a.parquet", "x/../A.parquet"), ("a.parquet", "soft.parquet")]
)
def test_no_two_outputs_share_a_name(run: Run, place: Path, names: tuple[str, str]) -> None:
    (place / "x").mkdir()
    (place / "soft.parquet").symlink_to("a.parquet")
    options = (f"--output={names[0]}", f"--embeddings={names[1]}")
    assert run("predict", *SCORES, *options).endswith("is to be written twice; give every output a name of its own")


OF_SCORES = "Expected scores to go to a .csv, .jsonl, .parquet, .tsv or .txt file"
OF_RESULTS = "Expected the results to go to a .csv, .tsv or .txt file"


@pytest.mark.parametrize(
    ("command", "source", "output", "message"),
    [
        *(("predict", "own.csv", f"s.{kind}", OF_SCORES) for kind in ("xlsx", "ods", "csv.gz", "Feather", "json")),
        ("predict", "own.csv", "faces/a.jpg", OF_SCORES),
        ("test", "pairs.csv", "r.parquet", OF_RESULTS),
        ("test", "pairs.csv", "r.html", OF_RESULTS),
        ("validate", "faces", "o.yaml", "Expected the Observer to go to a .json file"),
    ],
)
def test_another_kind_of_file_is_refused_with_those_there_are(
    run: Run, command: str, source: str, output: str, message: str
) -> None:
    assert run(command, f"--data.source={source}", f"--output={output}") == f"{message}, but got '{output}'"


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
def test_a_pipe_or_device_is_refused(run: Run, place: Path) -> None:
    os.mkfifo(place / "pipe.csv")
    for name in ("pipe.csv", os.devnull):
        assert "is a pipe or device, where no result can appear as a whole; write to a file" in run(
            "predict", *SCORES, f"--output={name}"
        )
    assert (place / "pipe.csv").is_fifo()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody may write to")
def test_a_folder_that_cannot_be_written_to_is_refused(run: Run) -> None:
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
