"""Every configuration that ships runs as its first line says."""

import csv
import json
from pathlib import Path

import pytest

from froq_lightning.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"
FEW_PASSES = ("--model.labeller.noise=0", "--model.labeller.occlusion=0")


@pytest.fixture
def photographs(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with eleven photographs in it."""
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    folder = tmp_path / "photographs"
    folder.mkdir()
    for image in sorted((shared / "data" / "calibration_photos").glob("*.jpg"))[:11]:
        (folder / image.name).symlink_to(image)
    monkeypatch.chdir(tmp_path)
    return folder


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_is_a_test_for_every_configuration() -> None:
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == {"quickstart", "calibrate", "predict", "evaluate", "paper"}


def test_quickstart_ranks_the_sample_and_draws_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    pytest.importorskip("skimage", reason="needs the extra `samples`")
    monkeypatch.chdir(tmp_path)
    assert main(["predict", f"--config={CONFIGS / 'quickstart.yaml'}", *quiet]) == 0
    rows = {row["image"]: row for row in read("froq_runs/quickstart/scores.csv")}
    assert len(rows) == 12
    assert rows["no_face.png"]["reason"] == "no face found"
    scores = {name: float(row["quality_score"]) for name, row in rows.items() if row["status"] == "ok"}
    assert len(scores) >= 10
    assert max(scores, key=lambda name: scores[name]) == "original.png"
    for kind in ("downscale", "noise", "occlusion"):
        assert scores[f"{kind}_strong.png"] < scores[f"{kind}_mild.png"]
    assert Path("froq_runs/quickstart/ranked.png").stat().st_size > 0
    assert "picture: froq_runs/quickstart/ranked.png" in capsys.readouterr().out


def test_calibrate_writes_an_observer_that_predict_takes(photographs: Path, quiet: tuple[str, ...]) -> None:
    source = f"--data.source={photographs}"
    assert main(["validate", f"--config={CONFIGS / 'calibrate.yaml'}", source, *quiet, *FEW_PASSES]) == 0
    observer = "froq_runs/calibrate/observer.json"
    calibrated = json.loads(Path(observer).read_text(encoding="utf-8"))["calibration_set"]
    assert (calibrated["images"], calibrated["degradations"]["share"]) == (11, 0.5)
    arguments = [f"--config={CONFIGS / 'predict.yaml'}", source, *quiet, f"--model.observer={observer}"]
    assert main(["predict", *arguments]) == 0
    scored = read("froq_runs/predict/scores.csv")
    assert [row["image"] for row in scored] == sorted(path.name for path in photographs.iterdir())


def test_predict_takes_the_observer_that_ships_with_the_network(photographs: Path, quiet: tuple[str, ...]) -> None:
    source = f"--data.source={photographs / sorted(photographs.iterdir())[0].name}"
    assert main(["predict", f"--config={CONFIGS / 'predict.yaml'}", source, *quiet]) == 0
    (row,) = read("froq_runs/predict/scores.csv")
    assert row["status"] == "ok"
