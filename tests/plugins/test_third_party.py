"""The plugin that the README shows, as a distribution of its own: built, installed, listed, calibrated, scored with."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Interpreter = Callable[..., str]
Install = Callable[[Path, str], None]

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
RUN = """
import sys
from froq_lightning.cli import main
for command in sys.argv[1:]:
    assert main(command.split()) == 0, command
"""


def block(language: str, containing: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    return next(text for text in found if containing in text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The two files of the README, in a folder."""
    folder = tmp_path / "froq-mynet"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(block("toml", "entry-points"))
    (folder / "froq_mynet.py").write_text(block("python", "class MyNet"))
    return folder


def test_it_has_at_most_twenty_five_lines(project: Path) -> None:
    lines = [line for file in project.iterdir() for line in file.read_text().splitlines() if line.strip()]
    assert len(lines) <= 25


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["editable", "wheel"])
def test_it_is_installed_listed_calibrated_and_scored_with(
    kind: str, project: Path, install: Install, interpreter: Interpreter, shared: Path, tmp_path: Path
) -> None:
    install(project, kind)
    (tmp_path / "crops").mkdir()
    for image in sorted((shared / "data" / "calibration").glob("*.jpg"))[:12]:
        (tmp_path / "crops" / image.name).symlink_to(image)
    interpreter("-c", "import froq_mynet, torch; torch.save(froq_mynet.MyNet().state_dict(), 'mynet.pth')")
    network = "--model.backbone mynet --model.backbone_options.weights mynet.pth"
    common = f"{network} --data.source crops --trainer.enable_progress_bar false"
    told = interpreter(
        "-c",
        RUN,
        "backbones list",
        "backbones check mynet weights=mynet.pth",
        f"validate {common} --model.labeller.occlusion 2 --output observer.json",
        f"predict {common} --model.observer observer.json --output scores.csv",
    )
    assert re.search(r"mynet +froq-mynet +1\.0 ", told)
    assert "mynet: the contract holds; 5 layers can be observed" in told
    rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert len(rows) == 13
    assert all(",ok," in row for row in rows[1:])
    assert sys.prefix not in (tmp_path / "observer.json").read_text()
