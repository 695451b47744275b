"""The built-in backbone: timm architectures, random, with local weights, or from the hub."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError, UnknownNameError, WeightsError

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


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'layer9"):
        create_backbone("timm", architecture=SMALL, layers=["layer1*", "layer9"])


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


def test_a_size_is_height_and_width() -> None:
    assert create_backbone("timm", architecture=SMALL, size=[112, 96]).preprocessing.size == (112, 96)


def test_local_weights_are_loaded(tmp_path: Path) -> None:
    network = timm.create_model(SMALL, num_classes=20)
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    path = str(tmp_path / "net.safetensors")
    backbone = create_backbone("timm", architecture=SMALL, num_classes=20, weights=path, licence="MIT")
    loaded = backbone.network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())
    assert (backbone.weights.source, backbone.weights.licence) == ("net.safetensors", "MIT")


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
    )
    loaded = backbone.network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())


def test_weights_of_another_embedding_length_do_not_fit(tmp_path: Path) -> None:
    save_file(timm.create_model(SMALL, num_classes=20).state_dict(), tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match=r"net\.safetensors does not fit ResNet: keys 2 of another shape"):
        create_backbone("timm", architecture=SMALL, num_classes=30, weights=str(tmp_path / "net.safetensors"))


def test_edgeface_embeds_the_same_person_nearer(edgeface: Backbone, shared: Path) -> None:
    subjects = [sorted(folder.iterdir()) for folder in sorted((shared / "data" / "faces").iterdir())]
    pairs = [images[:2] for images in subjects if len(images) > 1][:6]
    embeddings = _embed(edgeface, [path for pair in pairs for path in pair]).unflatten(0, (6, 2))
    similarities = embeddings[:, 0] @ embeddings[:, 1].T
    mated = similarities.diagonal()
    others = similarities[~torch.eye(6, dtype=torch.bool)]
    assert float(mated.mean()) > float(others.mean()) + 0.3


def _embed(backbone: Backbone, paths: list[Path]) -> torch.Tensor:
    images = torch.stack([torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) for path in paths])
    with torch.no_grad():
        return torch.nn.functional.normalize(backbone.embed(backbone.network(backbone.preprocessing(images))))
