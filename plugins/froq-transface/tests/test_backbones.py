"""TransFace's networks: the conformance suite, the fingerprint and published files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from froq_transface import backbones
from froq_transface.network import TransFace
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone, check_backbone_factory, check_published_input

DEPTHS = {"s": 12, "b": 24}
StateDict = dict[str, Any]


@pytest.fixture(scope="module", params=["s", pytest.param("b", marks=pytest.mark.slow)])
def sized(request: pytest.FixtureRequest) -> tuple[str, Backbone]:
    """A size and its backbone, built once."""
    return request.param, create_backbone(f"transface_vit_{request.param}")


@pytest.fixture(scope="module")
def small() -> Backbone:
    torch.manual_seed(0)
    return backbones.transface_vit_s()


@pytest.fixture
def faces() -> Tensor:
    return torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))


def outputs(backbone: Backbone, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    with torch.no_grad():
        return backbone.network(backbone.preprocessing(images))


# --- what it computes


def test_every_layer_but_the_list_of_blocks_fires_and_is_a_candidate(sized: tuple[str, Backbone]) -> None:
    size, backbone = sized
    layers = [layer.name for layer in check_backbone(backbone, allow_silent=False)]
    assert len(layers) == 14 * DEPTHS[size] + 14
    assert set(layers) == {name for name, _ in backbone.network.named_modules()} - {"", "blocks"}
    # In execution order: the gate lies between the tokens and the embedding.
    gate = ["senet.0", "senet.1", "senet.2", "senet.3", "senet"]
    assert layers[-11:] == ["norm", *gate, "feature.0", "feature.1", "feature.2", "feature.3", "feature"]


def test_the_larger_size_is_the_plain_one_and_the_gate_of_the_smaller(
    shared: Path, hollow: Callable[..., StateDict]
) -> None:
    folder = shared / "golden" / "architectures"
    plain, gated = (
        {key: shape for key, shape, _ in json.loads((folder / f"{name}.json").read_text())["keys"]}
        for name in ("insightface_vit_b", "transface_vit_s")
    )
    gate = {key: shape for key, shape in gated.items() if key.startswith("senet.")}
    own = {key: list(value.shape) for key, value in hollow(lambda: TransFace(512, 24)).items()}
    assert own == plain | gate


@pytest.mark.parametrize("sized", ["s"], indirect=True)
def test_it_computes_what_the_published_network_computes(
    sized: tuple[str, Backbone], shared: Path, matches_fingerprint: Callable[..., None]
) -> None:
    _, backbone = sized
    matches_fingerprint(backbone.network, "transface_vit_s", embed=backbone.embed)
    published = json.loads((shared / "golden" / "architectures" / "transface_vit_s.json").read_text())
    images = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1234)).clamp(-1, 1)
    with torch.no_grad():
        lengths = [output.norm(dim=1, keepdim=True) for output in backbone.network(images)]
    for length, name in zip(lengths[1:], ("weight_element1_l2norm", "patch_entropy_element2_l2norm"), strict=True):
        torch.testing.assert_close(length, torch.tensor(published["extra_outputs"][name]), rtol=1e-5, atol=0)


def test_it_gives_the_embedding_and_two_figures_per_token(small: Backbone, faces: Tensor) -> None:
    embedding, weight, spread = output = outputs(small, faces)
    assert [tuple(part.shape) for part in output] == [(2, 512), (2, 144), (2, 144)]
    assert small.embed(output) is embedding
    torch.testing.assert_close(weight.sum(dim=1), torch.ones(2))
    assert bool((spread > 0).all())


def test_a_gate_at_one_half_halves_every_token(small: Backbone, faces: Tensor) -> None:
    """With no weight in its last layer the gate gives one half; the embedding is then that of halved tokens."""
    network = TransFace(512, 1).eval()
    nn.init.zeros_(network.senet[2].weight)
    inputs = small.preprocessing(faces)
    with torch.no_grad():
        tokens = network.tokens(inputs)
        embedding, weight, spread = network(inputs)
        torch.testing.assert_close(embedding, network.feature(tokens.flatten(1) / 2))
    torch.testing.assert_close(weight, torch.full((2, 144), 1 / 144))
    torch.testing.assert_close(spread, tokens.std(dim=2) / 2)


def test_colours_enter_as_red_green_blue(small: Backbone) -> None:
    """The authors build on arcface_torch, which turns OpenCV's BGR into RGB and takes (x / 255 - 0.5) / 0.5."""
    check_published_input(small, lambda opencv: (opencv.flip(3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)


# --- checkpoints


def test_published_files_load_and_others_do_not() -> None:
    check_backbone_factory(backbones.transface_vit_s)
