"""Two processes share the images; what they leave behind is what one process leaves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Rows = list[dict[str, str]]
TWO = ("--trainer.devices=2", "--trainer.strategy=ddp", "--data.batch_size=2")


def run(*arguments: str) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "froq_lightning", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stderr


def assert_alike(rows: Rows, expected: Rows) -> None:
    for row, other in zip(rows, expected, strict=True):
        score, other_score = row.pop("quality_score"), other.pop("quality_score")
        assert float(score or "nan") == pytest.approx(float(other_score or "nan"), rel=1e-5, nan_ok=True)
        assert row == other


def test_two_processes_score_every_image_once_in_input_order(
    network: tuple[str, ...],
    observer: Path,
    predict: Callable[..., Rows],
    faces: Path,
    tmp_path: Path,
    rows: Callable[[Path], Rows],
) -> None:
    (faces / "empty.jpg").touch()
    (faces / "Aaa.jpg").write_text("no image")  # with it the number of images is odd
    output = tmp_path / "two" / "scores.csv"
    run("predict", *network, *TWO, f"--model.observer={observer}", f"--data.source={faces}", f"--output={output}")
    assert_alike(rows(output), predict(faces, tmp_path / "one.csv"))
    assert {path.name for path in output.parent.iterdir()} == {"scores.csv", "scores.config.yaml"}


def test_two_processes_find_the_same_observer(
    network: tuple[str, ...], observer: Path, manifest: Path, tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    output = tmp_path / "observer.json"
    run("validate", *network, *TWO, f"--data.source={manifest}", f"--output={output}")
    found, expected = (json.loads(path.read_text(encoding="utf-8")) for path in (output, observer))
    for key in ("backbone", "preset", "calibration_set"):
        assert found[key] == expected[key]
    assert [layer["name"] for layer in found["layers"]] == [layer["name"] for layer in expected["layers"]]
    assert found["quantiles"] == pytest.approx(expected["quantiles"], rel=1e-5)
    assert_alike(rows(output.with_suffix(".images.csv")), rows(observer.with_suffix(".images.csv")))


def test_two_processes_find_the_same_figures(
    network: tuple[str, ...], observer: Path, shared: Path, tmp_path: Path
) -> None:
    folders = [folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) > 2]
    for folder in folders[:4]:
        (tmp_path / "subjects" / folder.name).mkdir(parents=True)
        for image in folder.iterdir():
            (tmp_path / "subjects" / folder.name / image.name).symlink_to(image)
            degraded = shared / "data" / "faces_degraded" / folder.name / image.name
            (tmp_path / "subjects" / folder.name / f"degraded_{image.name}").symlink_to(degraded)
    (tmp_path / "subjects" / folders[0].name / "empty.jpg").touch()
    source = f"--data.source={tmp_path / 'subjects'}"
    methods = ("--model.methods=[froq, embedding_norm, random]", "--model.figures.fmr=[0.01]", "--report=false")
    told = []
    for processes in ((), TWO):
        output = tmp_path / str(len(processes)) / "results.csv"
        run("test", *network, *processes, *methods, f"--model.observer={observer}", source, f"--output={output}")
        told.append(json.loads(output.with_suffix(".json").read_text(encoding="utf-8")))
    one, two = told
    assert all(row["fnmr"] > 0 for row in one["results"])
    assert one["sets"][0]["left_out"] == two["sets"][0]["left_out"] != {}
    for row, other in zip(two["results"], one["results"], strict=True):
        assert row["value"] == pytest.approx(other["value"], rel=1e-5)
        assert (row["method"], row["convention"], row["mated"]) == (
            other["method"],
            other["convention"],
            other["mated"],
        )
