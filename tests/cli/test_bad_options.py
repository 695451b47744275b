"""An option or a configuration that cannot be used is refused in a line, before any work."""

from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]


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
