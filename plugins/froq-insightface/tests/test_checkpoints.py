"""Checkpoints of the residual networks and MobileFaceNet: published files load, all others are refused."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from froq_lightning.backbones.checkpoint_hints import recognise
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.conformance import check_backbone_factory
from froq_lightning.extensions import BACKBONES, discover, find

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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layout"),
    [("arcface_iresnet50", resumed), ("crfiqa_iresnet50", dict), ("magface_iresnet18", distributed)],
)
def test_the_backbone_that_a_file_belongs_to_is_told(
    name: str, layout: Layout, hollow: Callable[..., StateDict], tmp_path: Path
) -> None:
    own = discover(BACKBONES).plugins.values()
    factories = {plugin.name: plugin.create for plugin in own if plugin.target.startswith("froq_insightface.")}
    assert len(factories) == 14
    torch.save(layout(hollow(partial(create_backbone, name))), tmp_path / "weights.pth")
    assert recognise(str(tmp_path / "weights.pth"), factories) == f"it is a checkpoint of {name}"


# --- all others


GROUPED = {"layers.1.layers.0.weight": torch.zeros(128, 1, 3, 3)}
SHAPES = r"keys 1 of another shape \(layers\.1\.layers\.0\.weight \[128, 1, 3, 3\] for \[128, 2, 3, 3\]\)$"
NO_PREFIX = r"no key in weights\.pth starts with 'features\.module\.' or 'module\.features\.'; .*: conv1\.weight"


@pytest.mark.parametrize(
    ("name", "layout", "other", "more", "message"),
    [
        ("arcface_iresnet18", dict, "arcface_iresnet34", {}, r"keys 144 unexpected \(layer1\.2\.bn1\.weight"),
        ("arcface_iresnet34", resumed, "arcface_iresnet18", {}, r"keys 144 missing \(layer1\.2\.bn1\.weight"),
        ("insightface_mbf", dict, "insightface_mbf", {"weight": torch.zeros(9, 512)}, r"1 unexpected \(weight\)$"),
        ("insightface_mbf", dict, "insightface_mbf", GROUPED, SHAPES),
        ("magface_iresnet18", dict, "arcface_iresnet18", {}, NO_PREFIX),
        ("magface_iresnet18", in_parallel, "magface_iresnet50", {}, r"288 unexpected \(features\.layer1\.2\.bn1\.w"),
        (
            "magface_iresnet18",
            distributed,
            "magface_iresnet18",
            {"features.qs.bias": torch.zeros(1)},
            r"keys 1 unexpected \(features\.qs\.bias\)$",
        ),
        ("crfiqa_iresnet50", dict, "arcface_iresnet50", {}, r"keys 2 missing \(qs\.weight, qs\.bias\)$"),
        ("crfiqa_iresnet50", dict, "crfiqa_iresnet100", {}, r"keys 450 unexpected \(layer2\.4\.bn1\.weight"),
    ],
    ids=[
        "too deep",
        "too shallow",
        "with a classifier",
        "depthwise, not grouped",
        "without MagFace's prefix",
        "too deep for MagFace",
        "with a quality head in MagFace",
        "without CR-FIQA's head",
        "too deep for CR-FIQA",
    ],
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


def renamed(prefix: str, state: StateDict) -> StateDict:
    return {"state_dict": {prefix + key: value for key, value in state.items()}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layout", "other", "message"),
    [
        ("arcface_iresnet50", dict, "arcface_iresnet18", "it is a checkpoint of arcface_iresnet18"),
        ("insightface_mbf", dict, "arcface_iresnet18", "it is a checkpoint of arcface_iresnet18"),
        (
            "arcface_iresnet18",
            partial(renamed, "features.module."),
            "arcface_iresnet18",
            "it is a checkpoint of magface_iresnet18",
        ),
        (
            "magface_iresnet18",
            partial(renamed, "encoder."),
            "arcface_iresnet18",
            "it is a checkpoint of arcface_iresnet18",
        ),
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
