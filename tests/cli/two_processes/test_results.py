"""What two processes leave behind is what one process leaves, however they are started."""

import ast
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

Rows = list[dict[str, str]]
EACH = 5
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo"),
]


def assert_alike(rows: Rows, expected: Rows) -> None:
    for row, other in zip(rows, expected, strict=True):
        score, other_score = row.pop("quality_score"), other.pop("quality_score")
        assert float(score or "nan") == pytest.approx(float(other_score or "nan"), rel=1e-5, nan_ok=True)
        assert row == other


# The processes take turns: every second image is one process's.
PREDICTED = {"odd": ("torchrun", (0, 6), 9), "one_image": ("ddp_spawn", (), 1), "second_all_broken": ("ddp", (1, 3), 2)}


@pytest.mark.parametrize("name", PREDICTED)
def test_every_image_is_scored_once_in_input_order(
    name: str,
    observer: Path,
    images: list[Path],
    tmp_path: Path,
    run: Callable[..., tuple[Path, Path]],
    interleave: Callable[..., list[Path]],
    rows: Callable[[Path], Rows],
) -> None:
    launch, broken, count = PREDICTED[name]
    interleave(tmp_path / "faces", broken, images[:count])
    source = f"--data.source={tmp_path / 'faces'}"
    options = [f"--model.observer={observer}", source, "--report", *(["--reasons"] if broken else [])]
    two, one = run(launch, "predict", "scores.csv", *options)
    assert_alike(rows(two), rows(one))
    assert {path.name for path in two.parent.iterdir()} == {"scores.csv", "scores.config.yaml", "scores.html"}
    pages = [path.with_suffix(".html").read_text(encoding="utf-8") for path in (two, one)]
    shown, expected = (re.findall(r'<img src="[^"]+" alt="([^"]+)"', page) for page in pages)
    assert shown == expected
    assert len(shown) == count


def test_the_first_process_explains_the_worst_faces_of_both(
    observer: Path,
    images: list[Path],
    tmp_path: Path,
    run: Callable[..., tuple[Path, Path]],
    interleave: Callable[..., list[Path]],
) -> None:
    interleave(tmp_path / "faces", (1,), images[:9])
    source = f"--data.source={tmp_path / 'faces'}"
    outputs = run("ddp", "predict", "scores.csv", f"--model.observer={observer}", source, "--explain", "--worst=4")
    pages = [path.with_suffix(".html").read_text(encoding="utf-8") for path in outputs]
    two, one = (re.findall(r'alt="([^"]+)"', page[page.index('id="maps"') :]) for page in pages)
    assert two[:4] == one[:4]
    assert len(set(two[:4])) == 4


CALIBRATED = {"odd": ("ddp_spawn", (7,)), "first_all_broken": ("torchrun", range(0, 80, 2))}


@pytest.mark.parametrize("name", CALIBRATED)
def test_the_same_observer_is_found(
    name: str,
    images: list[Path],
    labels: list[float],
    tmp_path: Path,
    rows: Callable[[Path], Rows],
    run: Callable[..., tuple[Path, Path]],
    interleave: Callable[..., list[Path]],
) -> None:
    launch, broken = CALIBRATED[name]
    paths = interleave(tmp_path / "crops", broken, images)
    given = iter(labels)
    lines = [f"{path},{0.5 if place in broken else next(given)}" for place, path in enumerate(paths)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,pseudo_quality", *lines]))
    two, one = run(launch, "validate", "observer.json", f"--data.source={tmp_path / 'labels.csv'}")
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


def subjects(images: Sequence[Path], folder: Path, _: object = None) -> str:
    """Folders of subjects, as a source; one image is none."""
    for place, image in enumerate(images):
        subject = folder / str(place // EACH)
        subject.mkdir(parents=True, exist_ok=True)
        (subject / image.name).symlink_to(image)
    (folder / "0" / "empty.png").touch()
    return str(folder)


def pairs(images: Sequence[Path], folder: Path, interleave: Callable[..., list[Path]]) -> str:
    """Two files of pairs, as a source: one where every second image is none, one of fewer images than processes."""
    paths = interleave(folder, range(0, 2 * len(images), 2), images)
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
    labeller: str,
    images: list[Path],
    tmp_path: Path,
    rows: Callable[[Path], Rows],
    run: Callable[..., tuple[Path, Path]],
) -> None:
    source = subjects(images, tmp_path / "crops")
    (tmp_path / "crops" / "alone").mkdir()
    (tmp_path / "crops" / "alone" / "a.png").symlink_to(images[0])
    # The first process has the images, the second one their copies.
    options = (f"--data.source={source}", f"--model.labeller={labeller}")
    two, one = run("torchrun", "validate", "observer.json", *options)
    used, expected = (json.loads(path.read_text(encoding="utf-8"))["calibration_set"] for path in (two, one))
    assert used == expected
    assert (used["images"], used["left_out"], used["labels"].get("mates")) == SET_LABELLED[labeller]
    found, expected = (rows(path.with_suffix(".images.csv")) for path in (two, one))
    labels, others = ([float(row["pseudo_quality"] or "nan") for row in each] for each in (found, expected))
    assert labels == pytest.approx(others, rel=1e-5, nan_ok=True)
    for key in ("image", "status", "reason"):
        assert [row[key] for row in found] == [row[key] for row in expected]


EVALUATED = {"odd": ("ddp_spawn", subjects), "first_all_broken_and_one_image": ("torchrun", pairs)}


@pytest.mark.parametrize("name", EVALUATED)
def test_the_results_are_the_same(
    name: str,
    observer: Path,
    images: list[Path],
    tmp_path: Path,
    run: Callable[..., tuple[Path, Path]],
    interleave: Callable[..., list[Path]],
    network: tuple[str, ...],
    rows: Callable[[Path], Rows],
) -> None:
    launch, source = EVALUATED[name]
    options = network[1].partition("=")[2]
    twin = f"{{backbone: timm, backbone_options: {options}, observer: {observer}, name: twin}}"
    methods = (
        *("--model.methods=[froq, embedding_norm, random, network_quality]", "--model.metrics.fmr=[0.01, 0.1]"),
        f"--model.backbones=[{twin}]",
    )
    images_option = f"--data.source={source(images, tmp_path / 'source', interleave)}"
    options = (*methods, "--report=false", f"--model.observer={observer}", images_option)
    outputs = run(launch, "test", "results.csv", *options)
    two, one = (json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in outputs)
    assert any(row["value"] is not None for row in one["results"])
    assert one["sets"] == two["sets"]
    assert one["sets"][-1]["name"].endswith("errors of twin")
    counts = [[each["result"]["before"]["fnmr"] for each in content["thresholds"]] for content in (one, two)]
    assert counts[0] == counts[1] != []
    assert one["sets"][0]["left_out"] != {}
    assert two["methods"] == one["methods"]
    times, other_times = (rows(path.with_suffix(".times.csv")) for path in outputs)
    assert float(times[0]["milliseconds"]) > 0
    for row, other in zip(times, other_times, strict=True):
        assert row["method"] == other["method"]
        assert (row["milliseconds"] == "") == (other["milliseconds"] == "")
    for row, other in zip(two["results"], one["results"], strict=True):
        values = [math.nan if value is None else value for value in (row["value"], other["value"])]
        assert values[0] == pytest.approx(values[1], rel=1e-5, nan_ok=True)
        for key in ("data_set", "method", "convention", "mated", "non_mated", "remark"):
            assert row[key] == other[key]
