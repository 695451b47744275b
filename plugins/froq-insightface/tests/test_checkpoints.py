"""Checkpoints of the residual networks and MobileFaceNet: published files load, all others are refused."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.conformance import check_backbone_factory
from froq_lightning.extensions import BACKBONES, find

StateDict = dict[str, Any]
Layout = Callable[[StateDict], StateDict]


def resumed(state: StateDict) -> StateDict:
    """What insightface's training leaves to go on from, with the part of the classifier that one GPU holds."""
    return {
        "epoch": 3,
        "global_step": 1000,
        "state_dict_backbone": OrderedDict(state),
        "state_dict_softmax_fc": {"weight": torch.zeros(10, 512)},
        "state_optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "state_lr_scheduler": {"last_epoch": 3, "_step_count": 4},
    }


def _magface(state: StateDict) -> StateDict:
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return {"epoch": 25, "arch": "iresnet18", "state_dict": OrderedDict(state), "optimizer": optimizer}


def _features(state: StateDict, prefix: str) -> StateDict:
    return {key.replace("features.", prefix, 1): value for key, value in state.items()}


def distributed(state: StateDict) -> StateDict:
    """MagFace trained with one process per GPU: only the network is wrapped."""
    head = {f"{name}.weight": torch.zeros(512, 10) for name in ("parallel_fc", "parallel_fc.module", "fc")}
    return _magface(head | _features(state, "features.module."))


def in_parallel(state: StateDict) -> StateDict:
    """MagFace trained with one process for all GPUs: network and head are wrapped together."""
    return _magface(_features(state, "module.features.") | {"module.fc.weight": torch.zeros(512, 10)})


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        pytest.param("arcface_iresnet18", dict, marks=pytest.mark.slow),
        ("insightface_mbf", dict),
        ("insightface_mbf", resumed),
        ("magface_iresnet18", distributed),
        pytest.param("magface_iresnet18", in_parallel, marks=pytest.mark.slow),
        pytest.param("crfiqa_iresnet50", dict, marks=pytest.mark.slow),
    ],
)
def test_published_files_load_and_others_do_not(name: str, layout: Layout) -> None:
    check_backbone_factory(find(BACKBONES, name).create, layout)


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("arcface_iresnet18", "non-commercial research"),
        ("insightface_mbf", "non-commercial research"),
        ("magface_iresnet18", "Apache-2.0"),
        ("crfiqa_iresnet50", "CC BY-NC 4.0"),
    ],
)
def test_weights_have_the_licence_of_their_authors(name: str, licence: str) -> None:
    with torch.device("meta"):
        assert create_backbone(name).weights.licence == licence


# --- all others


QUALITY = r"keys 1 unexpected \(features\.qs\.bias\)$"
NO_PREFIX = r"no key in weights\.pth starts with 'features\.module\.' or 'module\.features\.'; .*: conv1\.weight"


@pytest.mark.parametrize(
    ("name", "layout", "other", "more", "message"),
    [
        ("magface_iresnet18", dict, "arcface_iresnet18", {}, NO_PREFIX),
        ("magface_iresnet18", distributed, "magface_iresnet18", {"features.qs.bias": torch.zeros(1)}, QUALITY),
        ("crfiqa_iresnet50", dict, "arcface_iresnet50", {}, r"keys 2 missing \(qs\.weight, qs\.bias\)$"),
    ],
    ids=["without MagFace's prefix", "with a quality head in MagFace", "without CR-FIQA's head"],
)
def test_other_files_are_refused_with_the_difference(
    name: str,
    layout: Layout,
    other: str,
    more: StateDict,
    message: str,
    hollow: Callable[..., StateDict],
    refuses: Callable[..., None],
) -> None:
    state = hollow(partial(create_backbone, other)) | more
    refuses(find(BACKBONES, name).create, layout(state), message)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layout", "other", "message"),
    [
        ("arcface_iresnet50", dict, "arcface_iresnet18", "it is a checkpoint of arcface_iresnet18"),
        (
            "arcface_iresnet18",
            in_parallel,
            "magface_iresnet18",
            "it is a checkpoint of magface_iresnet18, whose images are prepared differently",
        ),
    ],
)
def test_the_error_names_the_right_backbone(
    name: str,
    layout: Layout,
    other: str,
    message: str,
    hollow: Callable[..., StateDict],
    refuses: Callable[..., None],
) -> None:
    refuses(partial(create_backbone, name), layout(hollow(partial(create_backbone, other))), message)


def test_a_head_for_quality_beside_the_network_is_left_out(
    hollow: Callable[..., StateDict], load: Callable[..., Any]
) -> None:
    loaded = load(partial(create_backbone, "arcface_iresnet50"), hollow(partial(create_backbone, "crfiqa_iresnet50")))
    assert loaded.note == "weights.pth: left out 2 keys that the network does not have (qs.weight, qs.bias)"


@pytest.mark.parametrize("name", ["insightface_mbf", "magface_iresnet18", "crfiqa_iresnet50"])
def test_published_layouts_load_in_the_wrappers_of_training(
    name: str, hollow: Callable[..., StateDict], load: Callable[..., Any]
) -> None:
    state = {f"module._orig_mod.{key}": value for key, value in hollow(partial(create_backbone, name)).items()}
    if name.startswith("magface"):
        state = _features(state, "features.module.")
    checkpoint = {"model": {"state_dict": state | {"margin.weight": torch.zeros(9, 512)}}}
    assert "cut 'module._orig_mod.' off" in load(find(BACKBONES, name).create, checkpoint).note
