"""Every configuration that ships runs as its first line says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main

Rows = Callable[[Path], list[dict[str, str]]]
CONFIGS = Path(__file__).parents[2] / "configs"


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


def test_there_is_a_test_for_every_configuration() -> None:
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == {"quickstart", "calibrate", "predict", "evaluate", "paper"}


def test_quickstart_ranks_the_sample_and_draws_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quiet: tuple[str, ...],
    rows: Rows,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    pytest.importorskip("skimage", reason="needs the extra `samples`")
    monkeypatch.chdir(tmp_path)
    assert main(["predict", f"--config={CONFIGS / 'quickstart.yaml'}", *quiet]) == 0
    scored = {row["image"]: row for row in rows(Path("froq_runs/quickstart/scores.csv"))}
    assert len(scored) == 12
    assert scored["no_face.png"]["reason"] == "no face found"
    scores = {name: float(row["quality_score"]) for name, row in scored.items() if row["status"] == "ok"}
    assert len(scores) >= 10
    assert max(scores, key=lambda name: scores[name]) == "original.png"
    for kind in ("downscale", "noise", "occlusion"):
        assert scores[f"{kind}_strong.png"] < scores[f"{kind}_mild.png"]
    assert Path("froq_runs/quickstart/ranked.png").stat().st_size > 0
    assert "picture: froq_runs/quickstart/ranked.png" in capsys.readouterr().out


@pytest.mark.slow
def test_calibrate_writes_an_observer_that_predict_takes(photographs: Path, quiet: tuple[str, ...], rows: Rows) -> None:
    source = f"--data.source={photographs}"
    assert main(["validate", f"--config={CONFIGS / 'calibrate.yaml'}", source, *quiet]) == 0
    observer = "froq_runs/calibrate/observer.json"
    calibrated = json.loads(Path(observer).read_text(encoding="utf-8"))["calibration_set"]
    assert (calibrated["images"], calibrated["degradations"]["copies"]) == (22, 1)
    assert calibrated["labels"] == {"method": "pseudo_mated", "why": "no subjects are known"}
    arguments = [f"--config={CONFIGS / 'predict.yaml'}", source, *quiet, f"--model.observer={observer}"]
    assert main(["predict", *arguments]) == 0
    scored = rows(Path("froq_runs/predict/scores.csv"))
    assert [row["image"] for row in scored] == sorted(path.name for path in photographs.iterdir())


def test_predict_takes_the_observer_that_ships_with_the_network(
    photographs: Path, quiet: tuple[str, ...], rows: Rows
) -> None:
    source = f"--data.source={photographs / sorted(photographs.iterdir())[0].name}"
    assert main(["predict", f"--config={CONFIGS / 'predict.yaml'}", source, *quiet]) == 0
    (row,) = rows(Path("froq_runs/predict/scores.csv"))
    assert row["status"] == "ok"


@pytest.fixture
def people(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a folder of photographs, one sub-folder for each of six subjects."""
    folders = [folder for folder in sorted((shared / "data" / "photos").iterdir()) if len(list(folder.iterdir())) == 2]
    for folder in folders[:6]:
        (tmp_path / "people" / folder.name).mkdir(parents=True)
        for image in folder.iterdir():
            (tmp_path / "people" / folder.name / image.name).symlink_to(image)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "people"


@pytest.mark.slow
def test_evaluate_compares_methods_and_writes_a_report(people: Path, quiet: tuple[str, ...], rows: Rows) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    assert main(["test", f"--config={CONFIGS / 'evaluate.yaml'}", f"--data.source={people}", *quiet]) == 0
    results = rows(Path("froq_runs/evaluate/results.csv"))
    assert {row["method"] for row in results} == {"froq", "embedding_norm", "random"}
    assert {row["convention"] for row in results} == {"froq", "cr-fiqa", "iso", "rce"}
    assert {row["fmr"] for row in results} == {"0.01", "0.001"}
    assert {(row["mated"], row["non_mated"]) for row in results} == {("6", "60")}
    assert "data:image/jpeg;base64," in Path("froq_runs/evaluate/results.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_paper_has_a_row_for_every_method_and_a_column_for_every_data_set(
    people: Path, quiet: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    network = ("--model.backbone=dlib_resnet29", "--data.aligner=dlib", "--report=false")
    sources = f"[{people}, {{source: {people}, name: sampled, non_mated: 40}}]"
    few = (
        "--model.methods=[froq, {method: perturbation, noise: 0, occlusion: 2}, embedding_norm, network_quality, "
        "ser_fiq, {method: face_qan, samples: 2, steps: 2}, grafiqs, random]"
    )
    paper = f"--config={CONFIGS / 'paper.yaml'}"
    assert main(["test", paper, *network, few, f"--data.source={sources}", *quiet]) == 0
    printed = capsys.readouterr().out
    assert "passes an image" in printed.splitlines()[1]
    assert ["method", "people", "sampled", "mean"] in [line.split() for line in printed.splitlines()]
    for method in ("froq", "perturbation", "embedding_norm", "face_qan", "random"):
        assert any(line.split()[:1] == [method] for line in printed.splitlines())
    for method in ("network_quality", "ser_fiq", "grafiqs"):
        assert f"{method} cannot work here" in printed
