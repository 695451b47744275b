"""Two processes share the images, however they are started; what they leave behind is what one process leaves.

The network and the images are made here, so that this runs wherever the tests do.
"""

import ast
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import timm
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from froq_lightning.cli import main

Rows = list[dict[str, str]]
FROQ = ("-m", "froq_lightning")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
LAUNCHES = {
    "ddp": (FROQ, "--trainer.strategy=ddp"),
    "ddp_spawn": (FROQ, "--trainer.strategy=ddp_spawn"),
    "torchrun": ((*TORCHRUN, *FROQ), "--trainer.strategy=auto"),
}
SUBJECTS, EACH = 8, 5
SCRIPT = """
from lightning.pytorch import Trainer
from froq_lightning import FroqModule
from froq_lightning.datamodules.faces import FaceDataModule

def run():
    trainer = Trainer(accelerator="cpu", devices=2, strategy="ddp_spawn", logger=False, enable_checkpointing=False)
    module = FroqModule("timm", {options}, observer="{observer}")
    trainer.predict(module, FaceDataModule("{folder}/faces", module.preprocessing, workers=0), return_predictions=False)

"""
pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo")


@pytest.fixture(scope="module")
def network(quiet: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options that choose a small network with weights from a file, and keep the run quiet."""
    weights = tmp_path_factory.mktemp("network") / "weights.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(timm.create_model("test_byobnet", num_classes=512).state_dict(), weights)
    options = f"{{architecture: test_byobnet, weights: {weights}}}"
    return ("--model.backbone=timm", f"--model.backbone_options={options}", *quiet)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """40 crops of 112 pixels: of each of 8 subjects 5, with more and more noise."""
    folder = tmp_path_factory.mktemp("images")
    generator = torch.Generator().manual_seed(0)
    paths = []
    for subject in range(SUBJECTS):
        smooth = interpolate(torch.rand(1, 3, 7, 7, generator=generator), size=112, mode="bilinear")[0]
        for image in range(EACH):
            noise = torch.randn(3, 112, 112, generator=generator) * 0.04 * (image + subject / SUBJECTS)
            crop = (smooth + noise).clamp(0, 1).mul(255).byte().permute(1, 2, 0)
            paths.append(folder / f"{subject}_{image}.png")
            Image.fromarray(crop.numpy()).save(paths[-1])
    return paths


def label(place: int) -> float:
    """Pseudo-quality of an image: the less noise the higher."""
    return 1 - (place % EACH + place // EACH / SUBJECTS) / EACH


@pytest.fixture(scope="module")
def manifest(images: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images with their labels."""
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    lines = [f"{image},{label(place)}" for place, image in enumerate(images)]
    path.write_text("\n".join(["path,pseudo_quality", *lines]))
    return path


def run(launch: str, verb: str, *arguments: str) -> None:
    """Run a verb on two processes."""
    command, strategy = LAUNCHES[launch]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, *command, verb, "--trainer.devices=2", strategy, "--data.batch_size=2", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr


def assert_alike(rows: Rows, expected: Rows) -> None:
    for row, other in zip(rows, expected, strict=True):
        score, other_score = row.pop("quality_score"), other.pop("quality_score")
        assert float(score or "nan") == pytest.approx(float(other_score or "nan"), rel=1e-5, nan_ok=True)
        assert row == other


def interleaved(folder: Path, broken: Sequence[int], images: Sequence[Path]) -> list[Path]:
    """Link images into a folder, in the order of their new names; the broken ones stand at the given places."""
    folder.mkdir()
    waiting = iter(images)
    paths = [folder / f"{place:02}.png" for place in range(len(images) + len(broken))]
    for place, path in enumerate(paths):
        path.write_text("no image") if place in broken else path.symlink_to(next(waiting))
    return paths


# The processes take turns: every second image is one process's.
PREDICTED = {"odd": ("torchrun", (0, 6), 9), "one_image": ("ddp_spawn", (), 1), "second_all_broken": ("ddp", (1, 3), 2)}


@pytest.mark.parametrize("name", PREDICTED)
def test_every_image_is_scored_once_in_input_order(
    name: str,
    network: tuple[str, ...],
    observer: Path,
    predict: Callable[..., Rows],
    images: list[Path],
    tmp_path: Path,
    rows: Callable[[Path], Rows],
) -> None:
    launch, broken, count = PREDICTED[name]
    interleaved(tmp_path / "faces", broken, images[:count])
    source, output = f"--data.source={tmp_path / 'faces'}", tmp_path / "two" / "scores.csv"
    run(launch, "predict", *network, f"--model.observer={observer}", source, f"--output={output}")
    assert_alike(rows(output), predict(tmp_path / "faces", tmp_path / "one.csv"))
    assert {path.name for path in output.parent.iterdir()} == {"scores.csv", "scores.config.yaml"}


CALIBRATED = {"odd": ("ddp_spawn", (7,)), "first_all_broken": ("torchrun", range(0, 80, 2))}


@pytest.mark.parametrize("name", CALIBRATED)
def test_the_same_observer_is_found(
    name: str, network: tuple[str, ...], images: list[Path], tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    launch, broken = CALIBRATED[name]
    paths = interleaved(tmp_path / "crops", broken, images)
    given = map(label, range(len(images)))
    lines = [f"{path},{0.5 if place in broken else next(given)}" for place, path in enumerate(paths)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,pseudo_quality", *lines]))
    one, two = (tmp_path / folder / "observer.json" for folder in ("one", "two"))
    source = f"--data.source={tmp_path / 'labels.csv'}"
    run(launch, "validate", *network, source, f"--output={two}")
    assert main(["validate", *network, source, f"--output={one}"]) == 0
    found, expected = (json.loads(path.read_text(encoding="utf-8")) for path in (two, one))
    for key in ("backbone", "preset", "calibration_set"):
        assert found[key] == expected[key]
    for part in ("layers", "candidates"):
        assert [layer["name"] for layer in found[part]] == [layer["name"] for layer in expected[part]]
        for layer, other in zip(found[part], expected[part], strict=True):
            assert layer["utility"] == pytest.approx(other["utility"], abs=1e-6)
    assert found["set_utility"] == pytest.approx(expected["set_utility"], abs=1e-6)
    assert found["quantiles"] == pytest.approx(expected["quantiles"], rel=1e-5)
    assert_alike(rows(two.with_suffix(".images.csv")), rows(one.with_suffix(".images.csv")))


IN_PYTHON = """
import sys
from lightning.pytorch import Trainer
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.module import FroqModule

if __name__ == "__main__":
    module = FroqModule("timm", {"architecture": "test_byobnet", "weights": sys.argv[1]})
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(accelerator="cpu", devices=int(sys.argv[3]), strategy=sys.argv[4], **quiet)
    print(trainer.validate(module, FaceDataModule(sys.argv[2], module.preprocessing, workers=0), verbose=False))
"""


def test_validate_in_python_returns_the_same_metrics_without_a_warning(
    network: tuple[str, ...], manifest: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(IN_PYTHON)
    weights = re.search(r"weights: (.*)}", network[1])
    assert weights is not None
    returned = []
    for devices, strategy in (("1", "auto"), ("2", "ddp_spawn")):
        command = [sys.executable, str(tmp_path / "script.py"), weights[1], str(manifest), devices, strategy]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=300)
        assert "sync_dist" not in ran.stderr
        returned.append(ast.literal_eval(ran.stdout.strip().splitlines()[-1])[0])
    assert set(returned[0]) == {"set_utility", "set_utility_cv"}
    assert returned[1] == pytest.approx(returned[0], abs=1e-5)


def subjects(images: Sequence[Path], folder: Path) -> str:
    """Folders of subjects, as a source; one image is none."""
    for place, image in enumerate(images):
        subject = folder / str(place // EACH)
        subject.mkdir(parents=True, exist_ok=True)
        (subject / image.name).symlink_to(image)
    (folder / "0" / "empty.png").touch()
    return str(folder)


def pairs(images: Sequence[Path], folder: Path) -> str:
    """Two files of pairs, as a source: one where every second image is none, one of fewer images than processes."""
    paths = interleaved(folder, range(0, 2 * len(images), 2), images)
    lines = [f"{paths[place]},{paths[place + 1]},1" for place in range(0, len(paths), 2)]  # in the order of reading
    good = [(one, other) for one in range(len(images)) for other in range(one)]
    lines += [f"{paths[2 * one + 1]},{paths[2 * other + 1]},{int(one // EACH == other // EACH)}" for one, other in good]
    for name, trials in (("half", lines), ("single", [f"{images[0]},{images[0]},1"])):
        (folder / f"{name}.csv").write_text("\n".join(["image_a,image_b,mated", *trials]))
    return f"[{folder / 'half.csv'}, {folder / 'single.csv'}]"


# Of 42 images, each with a copy: samples with a label, those without, and mates of an image in the mean.
SET_LABELLED = {"mated": (80, 4, 4), "auto": (82, 2, None)}


@pytest.mark.parametrize("labeller", SET_LABELLED)
def test_a_set_is_labelled_from_the_images_of_both(
    labeller: str, network: tuple[str, ...], images: list[Path], tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    source = subjects(images, tmp_path / "crops")
    (tmp_path / "crops" / "alone").mkdir()
    (tmp_path / "crops" / "alone" / "a.png").symlink_to(images[0])
    # The first process has the images, the second one their copies.
    asked = (*network, f"--data.source={source}", f"--model.labeller={labeller}")
    one, two = (tmp_path / folder / "observer.json" for folder in ("one", "two"))
    run("torchrun", "validate", *asked, f"--output={two}")
    assert main(["validate", *asked, f"--output={one}"]) == 0
    told, expected = (json.loads(path.read_text(encoding="utf-8"))["calibration_set"] for path in (two, one))
    assert told == expected
    assert (told["images"], told["left_out"], told["labels"].get("mates")) == SET_LABELLED[labeller]
    found, expected = (rows(path.with_suffix(".images.csv")) for path in (two, one))
    labels, others = ([float(row["pseudo_quality"] or "nan") for row in each] for each in (found, expected))
    assert labels == pytest.approx(others, rel=1e-5, nan_ok=True)
    for key in ("image", "status", "reason"):
        assert [row[key] for row in found] == [row[key] for row in expected]


EVALUATED = {"odd": ("ddp_spawn", subjects), "first_all_broken_and_one_image": ("torchrun", pairs)}


@pytest.mark.parametrize("name", EVALUATED)
def test_the_same_figures_are_found(
    name: str, network: tuple[str, ...], observer: Path, images: list[Path], tmp_path: Path
) -> None:
    launch, source = EVALUATED[name]
    methods = ("--model.methods=[froq, embedding_norm, random, network_quality]", "--model.metrics.fmr=[0.01, 0.1]")
    asked = (
        *network,
        *methods,
        "--report=false",
        f"--model.observer={observer}",
        f"--data.source={source(images, tmp_path / 'source')}",
    )
    run(launch, "test", *asked, f"--output={tmp_path / 'two.csv'}")
    assert main(["test", *asked, f"--output={tmp_path / 'one.csv'}"]) == 0
    two, one = (json.loads((tmp_path / f"{count}.json").read_text(encoding="utf-8")) for count in ("two", "one"))
    assert any(row["value"] is not None for row in one["results"])
    assert one["sets"] == two["sets"]
    assert one["sets"][0]["left_out"] != {}
    assert two["pass_milliseconds"] > 0
    for told, other in zip(two["methods"], one["methods"], strict=True):
        for key in ("name", "parameters", "refusal"):
            assert told[key] == other[key]
        assert (told["milliseconds"] is None) == (other["milliseconds"] is None)
    for row, other in zip(two["results"], one["results"], strict=True):
        assert (row["value"] is None) == (other["value"] is None)
        assert row["value"] is None or row["value"] == pytest.approx(other["value"], rel=1e-5)
        for key in ("data_set", "method", "convention", "mated", "non_mated", "remark"):
            assert row[key] == other[key]


def refused(launch: str, verb: str, *arguments: str, **variables: str) -> list[str]:
    """Run a verb on two processes, which must refuse, and return what they tell."""
    command, strategy = LAUNCHES[launch]
    ran = subprocess.run(
        [sys.executable, *command, verb, "--trainer.devices=2", strategy, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", **variables},
        timeout=300,
    )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    return ran.stderr.splitlines()


@pytest.mark.parametrize("launch", ["ddp", "ddp_spawn"])
def test_what_all_processes_refuse_is_told_once(
    launch: str, network: tuple[str, ...], images: list[Path], tmp_path: Path
) -> None:
    interleaved(tmp_path / "faces", (0, 1), images[:3])
    asked = [*network, f"--data.source={tmp_path / 'faces'}", "--model.labeller=embedding_norm", "--report=false"]
    told = refused(launch, "validate", *asked)
    (line,) = [line for line in told if line.startswith("froq: ")]
    assert line.startswith("froq: error: Expected at least 10 usable calibration images, but got 3 ")


@pytest.mark.parametrize("launch", ["ddp", "ddp_spawn"])
def test_what_the_second_process_alone_refuses_ends_both(
    launch: str, network: tuple[str, ...], observer: Path, images: list[Path], tmp_path: Path
) -> None:
    interleaved(tmp_path / "faces", (), images[:3])
    (tmp_path / "scores.csv.partial" / "1.shard").mkdir(parents=True)
    asked = [*network, f"--model.observer={observer}", f"--data.source={tmp_path / 'faces'}"]
    (line,) = refused(launch, "predict", *asked, f"--output={tmp_path / 'scores.csv'}")
    assert line.startswith("froq: error: ")
    assert "Is a directory" in line


def test_a_port_that_is_taken_is_told(
    network: tuple[str, ...], observer: Path, images: list[Path], tmp_path: Path
) -> None:
    interleaved(tmp_path / "faces", (), images[:3])
    asked = [*network, f"--model.observer={observer}", f"--data.source={tmp_path / 'faces'}"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = refused("ddp", "predict", *asked, f"--output={tmp_path / 'scores.csv'}", MASTER_PORT=port)
    assert re.fullmatch(r"froq: error: .*address already in use.*", told[-1])


@pytest.mark.parametrize("call", ["run()", "for _ in range(1):\n    run()"])
def test_a_script_that_its_processes_would_run_again_is_refused(
    call: str, network: tuple[str, ...], observer: Path, images: list[Path], tmp_path: Path
) -> None:
    interleaved(tmp_path / "faces", (), images[:3])
    options = yaml.safe_load(network[1].partition("=")[2])
    (tmp_path / "script.py").write_text(SCRIPT.format(options=options, observer=observer, folder=tmp_path) + call)
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 1
    assert "ConfigurationError: Expected script.py to start its run under `if __name__" in ran.stderr.splitlines()[-1]
