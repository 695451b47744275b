from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from froq_lightning.cli import main


def test_the_list_names_distribution_version_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "list"]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["backbone", "distribution", "version", "licence", "of", "the", "code"] in printed
    assert ["aligner", "distribution", "version", "licence", "of", "the", "code"] in printed
    timm = next(line for line in printed if line[0] == "timm")
    assert timm[1:] == ["froq-lightning", version("froq-lightning"), "Apache-2.0"]


def test_show_tells_how_a_network_is_fed_and_its_layers(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    weights = shared / "data" / "weights" / "mobilefacenet_casia.ckpt"
    assert main(["backbones", "show", "mobilefacenet", f"weights={weights}"]) == 0
    printed = capsys.readouterr().out
    distribution = f"froq-mobilefacenet {version('froq-mobilefacenet')}"
    assert f"mobilefacenet of {distribution} (froq_mobilefacenet.backbone:mobilefacenet)" in printed
    assert "weights: mobilefacenet_casia.ckpt, sha256 " in printed
    assert "input: 112 x 112 RGB, 'arcface' alignment, mean (0.5, 0.5, 0.5), std (0.502, 0.502, 0.502)" in printed
    assert "observer: none; calibrate one with froq validate" in printed
    assert "169 candidate layers " in printed


def test_check_tests_the_contract_of_a_network_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["architecture=resnet10t", "num_classes=16", "size=32", "layers=[layer1*, fc]"]
    assert main(["backbones", "check", "timm", *options]) == 0
    assert capsys.readouterr().out.startswith("timm: the contract holds; ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "tim"], "unknown backbone 'tim'; nearest: timm"),
        (["check", "timm"], "options of 'timm': missing a required argument: 'architecture'; it takes: architecture,"),
        (["check", "timm", "resnet18"], "Expected options as key=value, but got 'resnet18'"),
        (["show", "timm", "architecture=resnet18", "layers=[layer9]"], "unknown layer 'layer9'; nearest: layer4"),
        (["show", "timm", "architecture=resnet18", "widht=2"], "timm architecture 'resnet18': "),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    arguments: list[str], message: str, refused: Callable[..., str]
) -> None:
    assert refused("backbones", *arguments).startswith(message)
