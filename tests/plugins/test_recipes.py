"""What CONTRIBUTING and docs/extend.md show of extensions, as distributions: built, installed, checked, and used."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXTEND = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
CHECKS = """
import sys
from pathlib import Path
import froq_best_layer, froq_labels, froq_markdown, froq_mynet, froq_sharpness, froq_zip
from froq_lightning.conformance import check_backbone, check_format, check_method, check_rule, check_source

check_backbone(froq_mynet.mynet())
check_source(froq_zip.Zip(), Path("crops.zip"))
check_method(froq_sharpness.Sharpness(0.5), froq_mynet.mynet())
check_rule(froq_best_layer.BestLayer())
check_format(froq_markdown.MARKDOWN, Path("checked"))
"""
SAVE = "import froq_mynet, torch; torch.save(froq_mynet.mynet().network.state_dict(), 'mynet.pth')"
RUN = """
import sys
from froq_lightning.cli import main
for command in sys.argv[1:]:
    assert main(command.split()) == 0, command
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the recipes, each as its text names it, and the backbone of docs/extend.md beside them."""
    folder = tmp_path / "froq-recipes"
    folder.mkdir()
    recipes = re.findall(r"\n`(froq_\w+\.py)`:.*?\n```python\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
    for name, content in recipes:
        (folder / name).write_text(content)
    (backbone,) = re.findall(r"\n`(froq_\w+\.py)`:\n\n```python\n(.*?)```", EXTEND, flags=re.DOTALL)
    (folder / backbone[0]).write_text(backbone[1])
    (stated,) = re.findall(r"```toml\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
    modules = sorted(path.stem for path in folder.glob("*.py"))
    stated = re.sub(r"py-modules = .*", f"py-modules = {modules}", stated)
    (folder / "pyproject.toml").write_text(
        f'{stated}\n[project.entry-points."froq_lightning.backbones"]\nmynet = "froq_mynet:mynet"\n'
    )
    assert modules == ["froq_best_layer", "froq_labels", "froq_markdown", "froq_mynet", "froq_sharpness", "froq_zip"]
    return folder


@pytest.mark.slow
def test_an_extension_of_every_kind_is_installed_checked_and_used(
    project: Path,
    install_project: Callable[[Path, str], None],
    interpreter: Callable[..., str],
    shared: Path,
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(tmp_path / "crops.zip", "w") as archive:
        for image in sorted((shared / "data" / "faces").glob("*/*.jpg"))[:24]:
            archive.write(image, f"{image.parent.name}/{image.name}")
    install_project(project, "wheel")
    interpreter("-c", CHECKS)
    interpreter("-c", SAVE)
    network = "--model.backbone mynet --model.backbone_options.weights mynet.pth"
    common = f"{network} --data.source crops.zip --data.workers 1 --trainer.enable_progress_bar false"
    printed = interpreter(
        "-c",
        RUN,
        "data inspect crops.zip",
        f"validate {common} --model.labeller sharpness --model.preset best_layer --output observer.json",
        f"predict {common} --model.observer observer.json --output scores.md",
        f"test {common} --model.observer observer.json --model.methods [froq,sharpness] --output results.csv",
    )
    assert "crops.zip: ZIP file of crops" in printed
    assert "(preset best_layer)" in printed  # what it says of a random network is left to chance
    rows = (tmp_path / "scores.md").read_text().splitlines()
    assert rows[0] == "| image | quality | status | reason |"
    assert len(rows) == 2 + 24
    assert all(row.endswith("| ok |  |") for row in rows[2:])
    page = (tmp_path / "observer.html").read_text()
    assert "<p>Pseudo-quality of 24 calibration images.</p>" in page
    assert ",sharpness," in (tmp_path / "results.csv").read_text()


def test_the_backbone_of_the_readme_has_at_most_25_lines_and_is_used_from_its_folder(
    install_project: Callable[[Path, str], None], interpreter: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "froq-mynet"
    folder.mkdir()
    for name, opening, words in (
        ("pyproject.toml", "toml", "entry-points"),
        ("froq_mynet.py", "python", "class MyNet"),
    ):
        blocks = re.findall(rf"```{opening}\n(.*?)```", EXTEND, flags=re.DOTALL)
        (folder / name).write_text(next(block for block in blocks if words in block))
    assert sum(bool(line.strip()) for file in folder.iterdir() for line in file.read_text().splitlines()) <= 25
    install_project(folder, "editable")
    interpreter("-c", SAVE)
    printed = interpreter("-c", RUN, "backbones list", "backbones check mynet weights=mynet.pth")
    assert re.search(r"mynet +froq-mynet +1\.0 ", printed)
    assert "mynet: the contract holds; 5 layers can be observed" in printed
