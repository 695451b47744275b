"""insightface's vision transformers: the conformance suite, their fingerprints and published files."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from froq_insightface import vit_backbones
from froq_insightface.vit import VisionTransformer
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone, check_backbone_factory, check_published_input

# Size: width, depth, keys of the state dict, parameters.
SIZES = {"t": (256, 12, 150, 19_137_792), "s": (512, 12, 150, 76_023_296), "b": (512, 24, 282, 113_833_472)}
StateDict = dict[str, Tensor]


@pytest.fixture(scope="module", params=["t", *(pytest.param(size, marks=pytest.mark.slow) for size in "sb")])
def sized(request: pytest.FixtureRequest) -> tuple[str, Backbone]:
    """A size and its backbone, built once."""
    return request.param, create_backbone(f"insightface_vit_{request.param}")


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    """The smallest network, with random weights."""
    torch.manual_seed(0)
    return vit_backbones.insightface_vit_t()


@pytest.fixture
def faces() -> Tensor:
    return torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))


# --- what it computes


def test_every_layer_but_the_list_of_blocks_fires_and_is_a_candidate(sized: tuple[str, Backbone]) -> None:
    size, backbone = sized
    depth = SIZES[size][1]
    layers = check_backbone(backbone, allow_silent=False)
    names = [name for name, _ in backbone.network.named_modules() if name not in ("", "blocks")]
    assert len(layers) == 14 * depth + 9
    assert {layer.name for layer in layers} == set(names)
    # In execution order: a block fires when its last part has.
    fired = [layer.name for layer in layers]
    assert fired[:3] == ["patch_embed.proj", "patch_embed", "pos_drop"]
    assert fired.index("blocks.0.norm1") < fired.index("blocks.0.mlp") < fired.index("blocks.0")
    assert fired[-3:] == ["feature.2", "feature.3", "feature"]


def test_the_sizes_have_as_many_keys_and_parameters_as_published(sized: tuple[str, Backbone]) -> None:
    size, backbone = sized
    _, _, keys, parameters = SIZES[size]
    assert len(backbone.network.state_dict()) == keys
    assert sum(parameter.numel() for parameter in backbone.network.parameters()) == parameters


@pytest.mark.parametrize("sized", ["t", pytest.param("b", marks=pytest.mark.slow)], indirect=True)
def test_it_computes_what_the_published_network_computes(
    sized: tuple[str, Backbone], matches_fingerprint: Callable[..., None]
) -> None:
    size, backbone = sized
    matches_fingerprint(backbone.network, f"insightface_vit_{size}")


def test_the_last_four_rows_and_columns_are_not_seen(
    tiny: Backbone, faces: Tensor, embedded: Callable[..., Tensor]
) -> None:
    cropped = faces.clone()
    cropped[..., 108:, :] = cropped[..., 108:] = 0
    assert torch.equal(embedded(tiny, cropped), embedded(tiny, faces))
    cropped[..., 107, :] = 0
    assert not torch.equal(embedded(tiny, cropped), embedded(tiny, faces))


def test_its_precision_is_the_surrounding_one(tiny: Backbone, faces: Tensor, embedded: Callable[..., Tensor]) -> None:
    """Unlike the authors' code, which runs attention and MLPs in half precision on CUDA whatever is asked for."""
    full = embedded(tiny, faces)
    with torch.autocast("cpu", torch.bfloat16):
        half = embedded(tiny, faces)
    assert full.dtype == torch.float32
    assert not torch.equal(half, full)
    assert float(torch.cosine_similarity(half.float(), full).min()) > 0.999


def test_colours_enter_as_red_green_blue(tiny: Backbone) -> None:
    """In the authors' `inference.py`, OpenCV's BGR becomes RGB, then (x / 255 - 0.5) / 0.5."""
    check_published_input(tiny, lambda opencv: (opencv.flip(3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)


# --- checkpoints


def resumed(state: StateDict) -> dict[str, Any]:
    """What `train_v2.py` leaves to go on from, with the part of the classifier that one GPU holds."""
    return {
        "epoch": 3,
        "state_dict_backbone": OrderedDict(state),
        "state_dict_softmax_fc": {"weight": torch.zeros(10, 512)},
        "state_optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    }


def renamed(state: StateDict) -> StateDict:
    return {f"net.{key}": value for key, value in state.items()}


@pytest.mark.parametrize(("layout", "prefix"), [(resumed, ""), (renamed, "net.")])
def test_published_files_load_and_others_do_not(layout: Callable[..., Any], prefix: str) -> None:
    check_backbone_factory(partial(vit_backbones.insightface_vit_t, prefix=prefix), layout)


# CVLface's own vision transformer cuts the crop into 14 x 14 patches of 8 pixels.


def test_a_prefix_that_was_not_given_or_is_not_there_is_told(
    hollow: Callable[..., StateDict], load: Callable[..., Backbone]
) -> None:
    build, state = vit_backbones.insightface_vit_t, hollow(lambda: VisionTransformer(256, 12))
    assert load(build, renamed(state)).note == "weights.pth: cut 'net.' off its keys"
    assert load(partial(build, prefix="net."), state).note == "no key of weights.pth starts with 'net.'"
