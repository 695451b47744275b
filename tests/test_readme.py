"""What the README shows is run here, but for its two set-up commands, which CI takes from it verbatim."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import Hub

from froq_lightning.cli import main
from froq_lightning.data.degradations import KINDS
from froq_lightning.extensions import BACKBONES, METHODS, discover
from froq_lightning.methods.quality_method import SetLabeller

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(block: str) -> list[list[str]]:
    lines = block.replace("\\\n", " ").strip().splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("froq ")]


@pytest.fixture
def workplace(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the README's commands name: photos, crops, weights and configs."""
    data = shared / "data"
    for name, source in (("photos", "calibration_photos"), ("crops", "calibration")):
        for number, image in enumerate(sorted((data / source).glob("*.jpg"))[:10]):
            folder = tmp_path / name / (f"person_{number % 2}" if name == "photos" else "")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / image.name).symlink_to(image)
    people = [folder for folder in sorted((data / "faces").iterdir()) if len(list(folder.iterdir())) > 1]
    (tmp_path / "archive").mkdir()
    for folder in people[:6]:
        (tmp_path / "archive" / folder.name).symlink_to(folder)
    (tmp_path / "photo.jpg").symlink_to(data / "photos" / "Aaron_Sorkin" / "Aaron_Sorkin_0001.jpg")
    (tmp_path / "edgeface_xxs.safetensors").symlink_to(data / "weights" / "edgeface_xxs.safetensors")
    with (data / "pairs_cross_quality.csv").open(encoding="utf-8") as pairs:
        header, *rows = pairs.read().splitlines()
    chosen = [row for row in rows if row.endswith(",1")][:8] + [row for row in rows if row.endswith(",0")][:20]
    sides = [(*(str(data / image) for image in row.split(",")[:2]), row[-1]) for row in chosen]
    (tmp_path / "pairs.csv").write_text("\n".join([header, *map(",".join, sides)]))
    (tmp_path / "configs").symlink_to(Path(__file__).parents[1] / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_command_of_the_readme_runs_in_its_order_and_so_does_its_python(
    workplace: Path, capsys: pytest.CaptureFixture[str], hub: Hub
) -> None:
    run = [arguments for block in blocks("bash") for arguments in commands(block) if "NAME" not in arguments]
    assert len(run) == 22
    for arguments in run:
        quiet = ["--trainer.enable_progress_bar=false"] if arguments[0] in ("predict", "validate", "test") else []
        assert main([*arguments, *quiet]) == 0
    assert "/me/my-observer/observer.json" in hub.files
    scope = {"images": torch.randint(0, 256, (2, 3, 112, 112), dtype=torch.uint8)}
    for block in blocks("python"):
        if "def mynet" not in block:
            exec(block, scope)  # noqa: S102
    assert scope["scores"].embeddings.shape == (2, 512)
    assert scope["verdict"].quality == scope["scores"][0].quality
    assert "photo.jpg" in capsys.readouterr().out
    assert scope["batches"][0].status == ("ok",) * 10
    assert (workplace / "my-observer.json").is_file()
    assert (workplace / "scores.csv").read_text().count("\n") == 11
    assert len(np.load(workplace / "embeddings.npy", allow_pickle=False)) == 10
    selected = ("worst.csv", "keep.csv", "people.csv", "templates.npy", "ofiq.csv", "scores.xml")
    pages = ("observer.html", "results.html", "scores.html")
    assert {*pages, *selected} <= {path.name for path in workplace.iterdir()}


def test_the_table_of_networks_is_that_of_the_plugins() -> None:
    rows = re.findall(r"^\| (froq-\w+) \| (.*?) \|", README, flags=re.MULTILINE)
    listed = {(name, row) for row, names in rows for name in re.findall(r"`([a-z_0-9]+)`", names)}
    registered = {(plugin.name, plugin.distribution) for plugin in discover(BACKBONES).plugins.values()}
    installed = {distribution for _, distribution in registered}
    assert {entry for entry in listed if entry[1] in installed} == {
        entry for entry in registered if entry[1] in dict(rows)
    }


def built_in(*, labellers: bool) -> set[str]:
    methods = {name: method.load() for name, method in discover(METHODS).plugins.items()}
    return {name for name, method in methods.items() if issubclass(method, SetLabeller) == labellers}


def test_the_table_of_methods_names_all_that_are_built_in() -> None:
    table = README.split("| method | what it does | needs |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == built_in(labellers=False)


def test_the_labels_and_degradations_that_calibration_makes_are_told() -> None:
    table = README.split("| `--model.labeller` |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)) == built_in(labellers=True) | {"perturbation"}
    assert f"`data.degrade.kinds` says how: {', '.join(KINDS)}." in " ".join(README.split())
