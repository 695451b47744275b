"""Runs whose faces and outputs lie in an object store, which fails at times."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_server import Faults, s3_bucket

from froq_lightning.calibration.observer import Observer
from froq_lightning.cli import main
from froq_lightning.errors import StoreError
from froq_lightning.stored_files import put

Refused = Callable[..., str]
SHARE = 0.05  # of the requests
COUNT, PARTS = 24, 3


@pytest.fixture
def bucket(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """A file system, and the name of a bucket in it that holds faces, one file that is no image among them."""
    with s3_bucket(faults := Faults(0.0), monkeypatch) as (store, name):
        for number, image in enumerate(sorted((shared / "data" / "faces").glob("*/*.jpg"))[:COUNT]):
            store.put_file(str(image), f"{name}/faces/{number:02}.jpg")
        store.pipe_file(f"{name}/faces/07b.jpg", b"no image")
        faults.share = SHARE
        yield store, name
        assert faults.failed


@pytest.mark.slow
def test_scores_and_embeddings_are_those_of_a_run_on_disk(
    network: tuple[str, ...],
    observer: Path,
    bucket: tuple[Any, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Refused,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    store, name = bucket
    store.get(f"{name}/faces", str(tmp_path / "here"), recursive=True)
    common = ["predict", *network, f"--model.observer={observer}", "--data.batch_size=4", "--report"]
    assert main([*common, "--data.source=here", "--output=scores.csv", "--embeddings=e.npy"]) == 0
    there = [*common, f"--data.source=s3://{name}/faces", f"--output=s3://{name}/new/scores.csv"]
    for _ in range(2):  # the second run replaces what the first one wrote
        capsys.readouterr()
        assert main([*there, f"--embeddings=s3://{name}/new/e.npy"]) == 0
        assert f"scores: s3://{name}/new/scores.csv" in capsys.readouterr().out
        store.invalidate_cache()
        assert store.cat_file(f"{name}/new/scores.csv") == (tmp_path / "scores.csv").read_bytes()
        assert store.cat_file(f"{name}/new/e.npy") == (tmp_path / "e.npy").read_bytes()
        assert {path.rpartition("/")[2] for path in store.ls(f"{name}/new")} == {
            "scores.csv",
            "scores.config.yaml",
            "scores.html",
            "e.npy",
        }
    assert not list(tmp_path.glob("s3*"))
    assert not list((tmp_path / "froq_journals").rglob("*.partial"))
    store.pipe_file(f"{name}/mine.csv", b"my own table")
    store.invalidate_cache()
    assert f"'s3://{name}/mine.csv' is to be written, but holds something" in refused(
        *there, f"--output=s3://{name}/mine.csv"
    )
    assert store.cat_file(f"{name}/mine.csv") == b"my own table"


@pytest.mark.slow
def test_parts_in_a_bucket_are_merged_from_there(
    network: tuple[str, ...], observer: Path, bucket: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, name = bucket
    common = ["predict", *network, f"--model.observer={observer}", "--data.batch_size=4"]
    source = f"--data.source=s3://{name}/faces"
    monkeypatch.chdir(tmp_path)
    assert main([*common, source, "--output=whole.csv"]) == 0
    output = f"s3://{name}/parts/scores.csv"
    for machine, part in enumerate((2, 1, 3, 1)):  # the last one finds the part done
        (tmp_path / str(machine)).mkdir()
        monkeypatch.chdir(tmp_path / str(machine))
        store.invalidate_cache()
        assert main([*common, source, f"--output={output}", f"--part={part}/{PARTS}"]) == 0
    store.invalidate_cache()
    assert main(["merge", output]) == 0
    assert main(["merge", "merged.csv", "--parts", f"s3://{name}/parts"]) == 0
    store.invalidate_cache()
    whole = (tmp_path / "whole.csv").read_bytes()
    assert store.cat_file(f"{name}/parts/scores.csv") == whole
    assert Path("merged.csv").read_bytes() == whole


@pytest.mark.slow
def test_an_observer_goes_into_a_bucket(
    network: tuple[str, ...], bucket: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, name = bucket
    monkeypatch.chdir(tmp_path)
    labels = [f"{number:02}.jpg,{number * 7 % COUNT}" for number in range(COUNT)]
    Path("labels.csv").write_text("\n".join(["path,pseudo_quality", *labels, "07b.jpg,1"]))
    options = ["--data.labels=labels.csv", f"--output=s3://{name}/observer.json"]
    assert main(["validate", *network, f"--data.source=s3://{name}/faces", *options]) == 0
    store.get_file(f"{name}/observer.json", "observer.json")
    assert Observer.load(Path("observer.json")).backbone.name == "mobilefacenet"


def test_scores_that_a_store_does_not_take_are_stored_by_the_same_command_later(
    network: tuple[str, ...],
    observer: Path,
    bucket: tuple[Any, str],
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Refused,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    store, name = bucket
    source = sorted((shared / "data" / "faces").iterdir())[0]
    command = ["predict", *network, f"--model.observer={observer}", f"--data.source={source}"]
    command.append(f"--output=s3://{name}/scores.csv")

    def put_all_but_scores(file: Path, address: str) -> None:
        if address.endswith("scores.csv"):
            raise StoreError("scores.csv cannot be written, in 10 attempts: the server is down")
        put(file, address)

    with monkeypatch.context() as broken:
        broken.setattr("froq_lightning.atomic_write.put", put_all_but_scores)
        assert "cannot be written" in refused(*command)
    assert main(command) == 0
    assert "going on: " in capsys.readouterr().out
    store.invalidate_cache()
    assert store.exists(f"{name}/scores.csv")


def test_the_web_is_not_written_to(network: tuple[str, ...], observer: Path, shared: Path, refused: Refused) -> None:
    source = f"--data.source={shared / 'data' / 'faces'}"
    message = refused("predict", *network, f"--model.observer={observer}", source, "--output=https://host/scores.csv")
    assert "or to lie in an object store (s3://, gs://, hf://), but got 'https://host/scores.csv'" in message
