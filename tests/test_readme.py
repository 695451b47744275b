"""What the README shows is run here, but for its two set-up commands, which CI takes from it verbatim."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

VERBS = ("predict", "quickstart", "test", "validate")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(block: str) -> list[list[str]]:
    lines = block.replace("\\\n", " ").strip().splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("froq ")]


@pytest.fixture
def workplace(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the README's commands name: photos, crops, pairs and weights."""
    data = shared / "data"
    for name, source in (("photos", "calibration_photos"), ("crops", "calibration")):
        for number, image in enumerate(sorted((data / source).glob("*.jpg"))[:10]):
            folder = tmp_path / name / (f"person_{number % 2}" if name == "photos" else "")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / image.name).symlink_to(image)
    (tmp_path / "photo.jpg").symlink_to(data / "photos" / "Aaron_Sorkin" / "Aaron_Sorkin_0001.jpg")
    (tmp_path / "edgeface_xxs.safetensors").symlink_to(data / "weights" / "edgeface_xxs.safetensors")
    with (data / "pairs_cross_quality.csv").open(encoding="utf-8") as pairs:
        header, *rows = pairs.read().splitlines()
    chosen = [row for row in rows if row.endswith(",1")][:8] + [row for row in rows if row.endswith(",0")][:20]
    sides = [(*(str(data / image) for image in row.split(",")[:2]), row[-1]) for row in chosen]
    (tmp_path / "pairs.csv").write_text("\n".join([header, *map(",".join, sides)]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_command_of_the_readme_runs_in_its_order_and_so_does_its_python(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = [arguments for block in blocks("bash") for arguments in commands(block)]
    assert len(run) == 9
    for arguments in run:
        quiet = ["--trainer.enable_progress_bar=false"] if arguments[0] in VERBS else []
        assert main([*arguments, *quiet]) == 0
    scope: dict[str, Any] = {}
    for block in blocks("python"):
        if "def mynet" not in block:
            exec(block, scope)  # noqa: S102
    assert scope["verdict"].quality >= 0
    assert "photo.jpg" in capsys.readouterr().out
    for name, count in {"scores.csv": 11, "crops.csv": 11}.items():
        assert (workplace / name).read_text().count("\n") == count
    outputs = ("observer.html", "results.html", "scores.html", "dlib.onnx", "trials.csv")
    assert set(outputs) <= {path.name for path in workplace.iterdir()}
