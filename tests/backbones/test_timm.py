"""The built-in backbone: timm architectures, random, with local weights, or from the hub."""

from pathlib import Path

import pytest
import timm
import torch

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.errors import ConfigurationError, UnknownNameError

SMALL = "test_resnet"


def test_an_architecture_without_weights_is_random_and_embeds() -> None:
    backbone = create_backbone("timm", architecture=SMALL, num_classes=20, size=64)
    assert backbone.weights.source == "as built"
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    assert backbone.embed(backbone.network(backbone.preprocessing(images))).shape == (2, 20)


def test_an_unknown_architecture_is_told_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match="unknown timm architecture 'edgenext_xx_smal'; nearest: edgenext_xx_small"
    ):
        create_backbone("timm", architecture="edgenext_xx_smal")


def test_layers_choose_the_candidates() -> None:
    backbone = create_backbone("timm", architecture=SMALL, layers=["layer1.*"])
    assert backbone.candidate_layers
    assert all(name.startswith("layer1.") for name in backbone.candidate_layers)


def test_an_option_that_timm_does_not_take_is_a_wrong_configuration() -> None:
    with pytest.raises(ConfigurationError, match=r"timm architecture 'test_resnet': .*colour"):
        create_backbone("timm", architecture=SMALL, colour="blue")


def test_one_number_stands_for_all_channels_and_both_sides() -> None:
    preprocessing = create_backbone("timm", architecture=SMALL, size=96, mean=0.4, std=[0.1, 0.2, 0.3]).preprocessing
    assert preprocessing.size == (96, 96)
    assert preprocessing.mean == (0.4, 0.4, 0.4)
    assert preprocessing.std == (0.1, 0.2, 0.3)
    assert create_backbone("timm", architecture=SMALL, size=[112, 96]).preprocessing.size == (112, 96)


def test_a_lightning_checkpoint_is_loaded_by_key_and_prefix(tmp_path: Path) -> None:
    network = timm.create_model(SMALL, num_classes=20)
    weights = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"ema": weights, "epoch": 1}, tmp_path / "last.ckpt")
    backbone = create_backbone(
        "timm",
        architecture=SMALL,
        num_classes=20,
        weights=str(tmp_path / "last.ckpt"),
        state_dict_key="ema",
        prefix="model.",
        licence="MIT",
    )
    loaded = backbone.network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())
    assert (backbone.weights.source, backbone.weights.licence) == ("last.ckpt", "MIT")
