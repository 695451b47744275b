"""A network, Observer, option or output that cannot be used is refused in a line, before any work."""

from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]


def test_an_unknown_backbone_or_layer_or_option_names_the_nearest(tmp_path: Path, refused: Refused) -> None:
    source = f"--data.source={tmp_path}"
    assert refused("predict", "--model.backbone=tim", source) == "unknown backbone 'tim'; nearest: timm"
    options = "--model.backbone_options={architecture: edgenext_xx_small, layers: [stages.9]}"
    told = refused("predict", "--model.backbone=timm", options, source)
    assert told.startswith("unknown layer 'stages.9'; nearest: stages.")
    options = "--model.backbone_options={architecture: edgenext_xx_smal}"
    told = refused("predict", "--model.backbone=timm", options, source)
    assert told.startswith("unknown timm architecture 'edgenext_xx_smal'; nearest: edgenext_xx_small, ")
    told = refused("predict", "--model.backbone=timm", "--model.backbone_options={wieghts: a.pt}", source)
    assert told.startswith("options of 'timm': missing a required argument: 'architecture'; it takes: architecture, we")


@pytest.mark.parametrize("backbone", ["mobilefacenet", "dlib_resnet29"])
def test_weights_that_are_missing_or_of_another_kind_are_refused(
    backbone: str, tmp_path: Path, refused: Refused
) -> None:
    pytest.importorskip({"mobilefacenet": "froq_mobilefacenet", "dlib_resnet29": "froq_dlib"}[backbone])
    (tmp_path / "letter.ckpt").write_text("dear network")
    for name in ("gone.ckpt", "letter.ckpt"):
        options = f"--model.backbone_options.weights={tmp_path / name}"
        assert refused("predict", f"--model.backbone={backbone}", options, f"--data.source={tmp_path}")


def test_an_aligner_that_does_not_exist_is_refused(
    network: tuple[str, ...], observer: Path, crops: Path, refused: Refused
) -> None:
    arguments = [f"--model.observer={observer}", f"--data.source={crops}", "--data.aligner=dlbi"]
    assert refused("predict", *network, *arguments, f"--output={crops.parent / 's.csv'}").startswith("unknown aligner")


def test_the_observer_of_another_network_is_refused_with_what_differs(
    observer: Path, shared: Path, crops: Path, quiet: tuple[str, ...], refused: Refused
) -> None:
    weights = shared / "data" / "weights" / "edgeface_xxs.safetensors"
    options = f"--model.backbone_options={{architecture: edgenext_xx_small, weights: {weights}}}"
    arguments = ["--model.backbone=timm", options, f"--model.observer={observer}", f"--data.source={crops}"]
    told = refused("predict", *arguments, *quiet, f"--output={crops.parent / 's.csv'}")
    assert told.startswith("the observer was made for ")
    assert "mobilefacenet" in told
    assert "timm" in told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "observer file '"),
        ("{", "observer.json is no Observer: "),
        ("[]", "Expected schema_version 1, 2 or 3, but got None"),
        ('{"schema_version": 4}', "Expected schema_version 1, 2 or 3, but got 4"),
        ('{"schema_version": 1}', "observer.json is no Observer: "),
    ],
)
def test_a_damaged_or_absent_observer_is_refused(
    content: str | None, message: str, network: tuple[str, ...], crops: Path, tmp_path: Path, refused: Refused
) -> None:
    path = tmp_path / "observer.json"
    if content is not None:
        path.write_text(content)
    told = refused("predict", *network, f"--model.observer={path}", f"--data.source={crops}")
    assert message in told


def test_scoring_without_an_observer_is_refused_with_how_to_get_one(
    network: tuple[str, ...], crops: Path, refused: Refused
) -> None:
    told = refused("predict", *network, f"--data.source={crops}", f"--output={crops.parent / 's.csv'}")
    assert told.startswith("backbone 'mobilefacenet' ships no observer; calibrate one with `froq validate`")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--model.preset=papr", "papr"),
        ("--data.batch_size=many", "data.batch_size"),
        ("--data.workers=-1", "Expected `workers` to be at least 0, but got -1"),
        ("--data.degrade.share=2", "Expected `share` to be in 0..1, but got 2.0"),
        ("--data.degrade.kinds=[blurr]", "unknown degradation 'blurr'; nearest: blur"),
        ("--model.labeller.alpha=0", "Expected `alpha` to be in 0..1, but got 0.0"),
        ("--config=gone.yaml", "gone.yaml"),
    ],
)
def test_a_wrong_option_is_refused(option: str, message: str, refused: Refused) -> None:
    base = ("--model.backbone=timm", "--model.backbone_options={architecture: resnet10t}", "--data.source=faces")
    assert message in refused("validate", *base, option)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model: [1\n", "parsing"),
        ("data:\n  batch_size: {a: 1}\n", "batch_size"),
        ("- a list\n", ""),
    ],
)
def test_a_wrong_configuration_file_is_refused(content: str, message: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "run.yaml").write_text(content)
    told = refused("predict", f"--config={tmp_path / 'run.yaml'}", "--model.backbone=timm", "--data.source=faces")
    assert message in told


def test_required_options_are_asked_for(refused: Refused) -> None:
    assert "model.backbone" in refused("predict", "--data.source=faces")
    assert "data.source" in refused("predict", "--model.backbone=timm")


def test_an_output_that_cannot_be_written_is_refused_before_any_image_is_read(
    network: tuple[str, ...], observer: Path, crops: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "file").touch()
    base = ["predict", *network, f"--model.observer={observer}", f"--data.source={crops}"]
    assert "folder of the output" in refused(*base, f"--output={tmp_path / 'file' / 'scores.csv'}")
    assert refused(*base, f"--output={crops}").endswith("is a folder")
