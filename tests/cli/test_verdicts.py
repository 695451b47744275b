"""What a user is told of a network without weights, and of labels that no layer can foretell."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.cli import main

BARE = ("--model.backbone=timm", "--model.backbone_options.architecture=test_resnet")


@pytest.fixture
def shuffled(manifest: Path, tmp_path: Path) -> Path:
    """The images of the manifest, with labels that belong to others of them."""
    _, *lines = manifest.read_text(encoding="utf-8").splitlines()
    names, labels = zip(*(line.rsplit(",", 1) for line in lines), strict=True)
    others = np.random.default_rng(5).permutation(labels)
    rows = [f"{manifest.parent / name},{label}" for name, label in zip(names, others, strict=True)]
    (tmp_path / "shuffled.csv").write_text("\n".join(["path,pseudo_quality", *rows]), encoding="utf-8")
    return tmp_path / "shuffled.csv"


@pytest.fixture
def pairs(shared: Path, tmp_path: Path) -> Path:
    """A mated and two non-mated trials."""
    first, second, third = sorted((shared / "data" / "faces").glob("*/*.jpg"))[:3]
    trials = [f"{first},{second},1", f"{second},{third},0", f"{first},{third},0"]
    (tmp_path / "pairs.csv").write_text("\n".join(["image_a,image_b,mated", *trials]), encoding="utf-8")
    return tmp_path / "pairs.csv"


def test_labels_that_no_layer_foretells_are_no_success(
    shuffled: Path,
    network: tuple[str, ...],
    faces: Path,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    observer = tmp_path / "observer.json"
    assert main(["validate", *network, f"--data.source={shuffled}", f"--output={observer}", "--report=false"]) == 0
    printed = capsys.readouterr().out
    assert printed.strip().startswith(("No usable quality was found in the 169", "It is uncertain whether"))
    assert "! What may help: more calibration images, a wider range of quality" in printed
    assert json.loads(observer.read_text(encoding="utf-8"))["schema_version"] == 3
    using = (*network, f"--model.observer={observer}")
    assert main(["predict", *using, f"--data.source={faces}", f"--output={tmp_path / 's.csv'}"]) == 0
    doubt = "in calibration, Spearman's rho between the observer's scores and the labels was"
    predicted = capsys.readouterr().out
    assert f"! {doubt}" in predicted
    assert " on images it had not seen: " in predicted
    tested = ("--model.methods=[froq, random]", f"--data.source={pairs}", "--report=false")
    assert main(["test", *using, *tested, f"--output={tmp_path / 'results.csv'}"]) == 0
    assert f"  froq: {doubt}" in capsys.readouterr().out


def test_a_good_calibration_is_told_as_before_with_its_cross_validated_value(
    manifest: Path,
    network: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    output = f"--output={tmp_path / 'observer.json'}"
    assert main(["validate", *network, f"--data.source={manifest}", output, "--report=false"]) == 0
    printed = capsys.readouterr().out
    assert "layers of mobilefacenet observe" in printed
    assert printed.index("on images it has not seen (cross-validated): 0.") < printed.index("chosen on: 0.")
    assert "What may help" not in printed
    assert "uncertain" not in printed
    assert "no weights" not in caplog.text
    assert "Validate metric" not in printed, "no table of Lightning beside our own"


def test_a_network_without_weights_is_no_success_and_its_observer_says_why_it_fits_no_other_run(
    manifest: Path,
    quiet: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    refused: Callable[..., str],
) -> None:
    run = (*BARE, *quiet, f"--data.source={manifest}")
    observer = tmp_path / "observer.json"
    assert main(["validate", *run, f"--output={observer}", "--report=false"]) == 0
    assert "no weights were given to timm (architecture=test_resnet)" in caplog.text
    printed = capsys.readouterr().out
    assert printed.strip().startswith("timm was calibrated without weights: its Observer fits no other run")
    error = refused("predict", *run, f"--model.observer={observer}", f"--output={tmp_path / 's.csv'}")
    assert "it was calibrated without weights; calibrate again with a file as backbone_options.weights" in error


def test_weights_that_are_missing_where_there_were_some_are_named(
    manifest: Path, observer: Path, quiet: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]
) -> None:
    run = ("--model.backbone=mobilefacenet", *quiet, f"--data.source={manifest}", f"--output={tmp_path / 's.csv'}")
    error = refused("predict", *run, f"--model.observer={observer}")
    assert "no weights were given here; give a file as backbone_options.weights" in error


def test_test_remarks_that_a_network_has_no_weights_and_intervals_too_few_samples(
    pairs: Path, quiet: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--model.methods=[embedding_norm]", f"--data.source={pairs}", "--report=false")
    output = f"--output={tmp_path / 'results.csv'}"
    assert main(["test", *BARE, *quiet, *arguments, output, "--model.metrics.bootstrap=5"]) == 0
    printed = capsys.readouterr().out
    assert "  no weights were given to timm (architecture=test_resnet)" in printed
    assert "  intervals from 5 bootstrap samples are too narrow; take 100 or more" in printed
