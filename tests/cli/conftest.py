"""Runs of `froq` in this process, on real faces with real weights."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main

QUIET = ("--data.workers=0", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false")


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def rows() -> Callable[[Path], list[dict[str, str]]]:
    """Reads a CSV file into dicts."""
    return read_rows


@pytest.fixture(scope="session")
def quiet() -> tuple[str, ...]:
    """Options that keep a run in this process and silent."""
    return QUIET


@pytest.fixture(scope="session")
def network(shared: Path) -> tuple[str, ...]:
    """Options that choose MobileFaceNet with its real weights, and keep the run quiet."""
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    weights = shared / "data" / "weights" / "mobilefacenet_casia.ckpt"
    return ("--model.backbone=mobilefacenet", f"--model.backbone_options.weights={weights}", *QUIET)


@pytest.fixture(scope="session")
def manifest(shared: Path, golden: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 40 crops of the reference numbers with their published pseudo-quality, in a manifest beside the crops."""
    folder = tmp_path_factory.mktemp("crops")
    lines = ["path,pseudo_quality"]
    for name, label in golden["mobilefacenet"]["labels"].items():
        (folder / name).symlink_to(shared / "data" / "calibration" / name)
        lines.append(f"{name},{label['pseudo_quality']}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "labels.csv"


@pytest.fixture(scope="session")
def calibrate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Calibrates a network on a source and returns the Observer."""

    def run(network: tuple[str, ...], source: Path, *options: str) -> Path:
        path = tmp_path_factory.mktemp("calibrated") / "observer.json"
        assert main(["validate", *network, f"--data.source={source}", f"--output={path}", *options]) == 0
        return path

    return run


@pytest.fixture(scope="session")
def observer(calibrate: Callable[..., Path], network: tuple[str, ...], manifest: Path) -> Path:
    """An Observer of MobileFaceNet, from the manifest, made with as many threads as the tests run with."""
    return calibrate(network, manifest)


@pytest.fixture(scope="module")
def predict(network: tuple[str, ...], observer: Path) -> Callable[..., list[dict[str, str]]]:
    """Scores a source into a CSV file and returns its rows."""

    def run(source: Path, output: Path, *options: str) -> list[dict[str, str]]:
        arguments = ["predict", *network, f"--model.observer={observer}", f"--data.source={source}"]
        assert main([*arguments, f"--output={output}", *options]) == 0
        return read_rows(output)

    return run


@pytest.fixture
def faces(shared: Path, tmp_path: Path) -> Path:
    """Nine faces in a folder."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for image in sorted((shared / "data" / "faces").glob("*/*.jpg"))[:9]:
        (folder / image.name).symlink_to(image)
    return folder


@pytest.fixture
def calibration_crops(shared: Path, tmp_path: Path) -> Path:
    """Fourteen aligned crops in a folder."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for image in sorted((shared / "data" / "calibration").glob("*.jpg"))[:14]:
        (folder / image.name).symlink_to(image)
    return folder


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must end with code 2 and one line, and returns the line."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("froq: error: ")
        assert error.count("\n") == 1
        return error.removeprefix("froq: error: ").rstrip()

    return run
