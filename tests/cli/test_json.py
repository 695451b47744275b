"""`--quiet` and `--json` of every command that has a result, by real processes."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main

FROQ = (sys.executable, "-m", "froq_lightning")

pytestmark = pytest.mark.slow


def ran(arguments: Sequence[object], status: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command that ends with that status."""
    run = subprocess.run([*FROQ, *map(os.fspath, arguments)], capture_output=True, check=False)  # type: ignore[arg-type]
    assert run.returncode == status, run.stderr
    return run.stdout.decode("utf-8"), run.stderr.decode("utf-8")


def said(arguments: Sequence[object], status: int = 0) -> dict[str, Any]:
    """The one object that a command prints with `--json`, which is all that `--quiet --json` prints."""
    out, _ = ran([*arguments, "--json"], status)
    told = json.loads(out)
    assert told.pop("seconds") > 0
    for path in told.get("outputs", {}).values():
        assert Path(path).exists()
    return told


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, faces: Path) -> list[str]:
    """The command that scores nine faces, and a file that is no image."""
    (faces / "z.jpg").write_text("no image")
    return ["predict", *network, f"--model.observer={observer}", f"--data.source={faces}", "--output=scores.csv"]


def test_predict_merge_and_select(scoring: list[str], tmp_path: Path) -> None:
    told = said([*scoring, "--embeddings=e.npy", "--fail-under=100", "--worst=3"], status=1)
    assert told["command"] == "predict"
    assert told["images"] == {"total": 10, "scored": 9, "failed": 1}
    assert told["outputs"] == {"scores": "scores.csv", "embeddings": "e.npy"}
    assert told["gate"] == {"fail_under": 100, "below": 9, "failed": 1, "passed": False}
    assert [len(told[end]) for end in ("best", "worst")] == [3, 3]
    qualities = [row["quality_score"] for row in told["worst"]]
    assert qualities == sorted(qualities)
    assert told["remarks"][0].startswith("the observer was calibrated on only 40 images")

    for number in (1, 2):
        part = said([*scoring, "--output=merged.csv", f"--part={number}/2", "--data.batch_size=4"])
        assert part["part"] == f"{number}/2"
    merged = said(["merge", "merged.csv", "--fail-under", "0"], status=1)
    assert (merged["parts"], merged["images"]) == (2, told["images"])
    assert merged["outputs"] == {"scores": "merged.csv"}
    assert merged["gate"]["failed"] == 1

    selected = said(["select", "scores.csv", "--worst", "2"])
    assert (selected["command"], selected["selected"], selected["images"]["failed"]) == ("select", 2, 1)
    assert [row["image"] for row in selected["rows"]] == [row["image"] for row in told["worst"][:2]]
    assert said(["select", "scores.csv", "--worst", "2", "--to", "worst.csv"])["outputs"] == {"list": "worst.csv"}
    planned = ["select", "scores.csv", "--worst", "2", "--source", tmp_path / "faces", "--to", "best/"]
    told = said(planned)
    assert (told["action"], told["is_done"], told["files"], told["missing"]) == ("copy", False, 2, [])
    assert said([*planned, "--yes"])["is_done"]
    assert len(list((tmp_path / "best").iterdir())) == 2


def test_validate_test_and_threshold(
    network: tuple[str, ...], manifest: Path, observer: Path, shared: Path, tmp_path: Path
) -> None:
    told = said(["validate", *network, f"--data.source={manifest}", "--output=o.json", "--report=false"])
    made = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert [each["layer"] for each in told["layers"]] == [each["name"] for each in made["layers"]]
    assert told["labels"] == {"method": "given"}
    assert told["set_utility"]["on_calibration_images"] == pytest.approx(made["set_utility"])
    assert told["images"] == {"total": 40, "used": 40, "left_out": 0, "unlabelled": 0}
    assert set(told["outputs"]) == {"observer", "images", "layers"}

    header, *trials = (shared / "data" / "pairs_cross_quality.csv").read_text(encoding="utf-8").splitlines()
    chosen = [[line for line in trials if line.endswith(kind)][:40] for kind in (",1", ",0")]
    (tmp_path / "pairs.csv").write_text("\n".join([header, *chosen[0], *chosen[1]]), encoding="utf-8")
    test = ["test", *network, f"--model.observer={observer}", "--data.source=pairs.csv", "--model.metrics.fmr=[0.1]"]
    test += [f"--data.root={shared / 'data'}", "--output=r.csv", "--trials=trials.csv", "--report=false"]
    told = said(test)
    table = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()
    assert len(told["results"]) == len(table) - 1
    assert {each["method"] for each in told["results"]} == {"froq", "embedding_norm", "random"}
    assert told["outputs"]["trials"] == "trials.csv"
    assert told["remarks"]

    asked = ["threshold", "trials.csv", "--fmr", "0.1", "--output", "t.json"]
    told = said(asked)
    assert told.pop("command") == "threshold"
    assert told.pop("outputs") == {"thresholds": "t.json"}
    assert told.pop("remarks", []) is not None
    assert told == json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert ran([*asked, "--quiet"])[0] == ""


def test_quiet_prints_nothing_and_quiet_json_the_object_alone(scoring: list[str], tmp_path: Path) -> None:
    out, err = ran([*scoring, "--quiet"])
    assert out == ""
    assert err.startswith("! the observer was calibrated on only 40 images")
    assert err.count("\n") == 1
    assert (tmp_path / "scores.csv").exists()
    out, err = ran([*scoring, "--quiet", "--json"])
    assert json.loads(out)["images"]["scored"] == 9
    assert err.count("\n") == 1
    out, err = ran([*scoring, "--json"])
    assert "scores: scores.csv" in err
    assert "1 could not be scored: z.jpg" in err


def test_paths_that_are_no_utf_8_give_valid_json(scoring: list[str], faces: Path) -> None:
    odd = os.fsencode(faces) + b"/a\xff.jpg"
    Path(os.fsdecode(odd)).symlink_to(next(faces.glob("A*.jpg")))
    output = os.fsdecode(b"scores\xfe.csv")
    out, _ = ran([*scoring, f"--output={output}", "--json"])
    told = json.loads(out)
    assert told["outputs"]["scores"] == r"scores\udcfe.csv"
    assert told["images"]["scored"] == 10
    assert os.path.exists(output)  # noqa: PTH110 - no text
    out.encode("utf-8")


def test_a_printed_configuration_has_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--model.backbone=timm", "--data.source=faces", "--quiet", "--print_config"])
    told = capsys.readouterr().out
    assert "quiet: true" in told
    assert "json: false" in told
