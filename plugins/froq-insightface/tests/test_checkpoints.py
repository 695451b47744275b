"""Checkpoints of the residual networks and MobileFaceNet: published files load, all others are refused."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from froq_lightning.backbones.checkpoint_hints import recognise
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import WeightsError
from froq_lightning.extensions import BACKBONES, discover, find

SMALLEST = ("arcface_iresnet18", "crfiqa_iresnet50", "insightface_mbf", "magface_iresnet18")
StateDict = dict[str, Any]


@pytest.fixture(scope="module")
def trained(request: pytest.FixtureRequest) -> tuple[str, Backbone]:
    """A name and its backbone, whose statistics, scales and biases are no longer those of a new network."""
    backbone = create_backbone(request.param)
    generator = torch.Generator().manual_seed(0)
    for value in backbone.network.state_dict().values():
        if value.ndim < 2:
            value.add_(0.1 * torch.rand(value.shape, generator=generator) if value.is_floating_point() else 7)
    return request.param, backbone


def outputs(backbone: Backbone) -> list[Tensor]:
    """The embedding of two faces, and the quality where there is one."""
    faces = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        output = backbone.network(backbone.preprocessing(faces))
    return [read(output) for read in (backbone.embed, backbone.quality) if read is not None]


def hollow(name: str) -> StateDict:
    """A state dict of the right names and shapes, whose file takes no room: each tensor repeats one zero."""
    with torch.device("meta"):
        state = create_backbone(name).network.state_dict()
    return {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state.items()}


# --- published layouts


def plain(folder: Path, state: StateDict) -> Path:
    torch.save(OrderedDict(state), folder / "backbone.pth")
    return folder / "backbone.pth"


def before_1_6(folder: Path, state: StateDict) -> Path:
    """A plain state dict as PyTorch wrote it until version 1.5."""
    torch.save(OrderedDict(state), folder / "model.pt", _use_new_zipfile_serialization=False)
    return folder / "model.pt"


def safe(folder: Path, state: StateDict) -> Path:
    save_file(state, folder / "model.safetensors")
    return folder / "model.safetensors"


def resumed(folder: Path, state: StateDict) -> Path:
    """What insightface's training leaves to go on from, with the part of the classifier that one GPU holds."""
    content = {
        "epoch": 3,
        "global_step": 1000,
        "state_dict_backbone": OrderedDict(state),
        "state_dict_softmax_fc": {"weight": torch.zeros(10, 512)},
        "state_optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "state_lr_scheduler": {"last_epoch": 3, "_step_count": 4},
    }
    torch.save(content, folder / "checkpoint_gpu_0.pt")
    return folder / "checkpoint_gpu_0.pt"


def _magface(folder: Path, state: StateDict) -> Path:
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    content = {"epoch": 25, "arch": "iresnet18", "state_dict": OrderedDict(state), "optimizer": optimizer}
    torch.save(content, folder / "00025.pth")
    return folder / "00025.pth"


def _features(state: StateDict, prefix: str) -> StateDict:
    return {key.replace("features.", prefix, 1): value for key, value in state.items()}


def distributed(folder: Path, state: StateDict) -> Path:
    """MagFace trained with one process per GPU: only the network is wrapped."""
    head = {f"{name}.weight": torch.zeros(512, 10) for name in ("parallel_fc", "parallel_fc.module", "fc")}
    return _magface(folder, head | _features(state, "features.module."))


def in_parallel(folder: Path, state: StateDict) -> Path:
    """MagFace trained with one process for all GPUs: network and head are wrapped together."""
    return _magface(folder, _features(state, "module.features.") | {"module.fc.weight": torch.zeros(512, 10)})


@pytest.mark.parametrize(
    ("trained", "save", "licence"),
    [
        ("arcface_iresnet18", plain, "non-commercial research"),
        ("insightface_mbf", plain, "non-commercial research"),
        ("insightface_mbf", resumed, "non-commercial research"),
        ("insightface_mbf", before_1_6, "non-commercial research"),
        ("insightface_mbf", safe, "non-commercial research"),
        ("magface_iresnet18", distributed, "Apache-2.0"),
        ("magface_iresnet18", in_parallel, "Apache-2.0"),
        ("crfiqa_iresnet50", plain, "CC BY-NC 4.0"),
    ],
    indirect=["trained"],
)
def test_published_files_load(
    trained: tuple[str, Backbone], save: Callable[[Path, StateDict], Path], licence: str, tmp_path: Path
) -> None:
    name, original = trained
    file = save(tmp_path, original.network.state_dict())
    loaded = create_backbone(name, weights=str(file))
    file.unlink()
    assert all(map(torch.equal, outputs(loaded), outputs(original)))
    assert (loaded.weights.source, loaded.weights.licence) == (file.name, licence)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("arcface_iresnet50", resumed),
        ("crfiqa_iresnet50", plain),
        ("magface_iresnet18", distributed),
    ],
)
def test_the_backbone_that_a_file_belongs_to_is_told(
    name: str, save: Callable[[Path, StateDict], Path], tmp_path: Path
) -> None:
    own = discover(BACKBONES).plugins.values()
    factories = {plugin.name: plugin.create for plugin in own if plugin.target.startswith("froq_insightface.")}
    assert len(factories) == 14
    assert recognise(str(save(tmp_path, hollow(name))), factories) == f"it is a checkpoint of {name}"


# --- all others


@pytest.mark.parametrize(
    ("name", "save", "state", "told"),
    [
        pytest.param(*case[1:], id=case[0])
        for case in (
            (
                "too deep",
                "arcface_iresnet18",
                plain,
                lambda: hollow("arcface_iresnet34"),
                r"keys 144 unexpected \(layer1\.2\.bn1\.weight",
            ),
            (
                "too shallow",
                "arcface_iresnet34",
                resumed,
                lambda: hollow("arcface_iresnet18"),
                r"keys 144 missing \(layer1\.2\.bn1\.weight",
            ),
            (
                "with a classifier",
                "insightface_mbf",
                plain,
                lambda: hollow("insightface_mbf") | {"weight": torch.zeros(9, 512)},
                r"keys 1 unexpected \(weight\)$",
            ),
            (
                "depthwise, not grouped",
                "insightface_mbf",
                plain,
                lambda: hollow("insightface_mbf") | {"layers.1.layers.0.weight": torch.zeros(128, 1, 3, 3)},
                r"keys 1 of another shape \(layers\.1\.layers\.0\.weight \[128, 1, 3, 3\] for \[128, 2, 3, 3\]\)$",
            ),
            (
                "without MagFace's prefix",
                "magface_iresnet18",
                plain,
                lambda: hollow("arcface_iresnet18"),
                r"no key in backbone\.pth starts with 'features\.module\.' or 'module\.features\.'; .*: conv1\.weight",
            ),
            (
                "too deep for MagFace",
                "magface_iresnet18",
                in_parallel,
                lambda: hollow("magface_iresnet50"),
                r"keys 288 unexpected \(features\.layer1\.2\.bn1\.weight",
            ),
            (
                "with a quality head in MagFace",
                "magface_iresnet18",
                distributed,
                lambda: hollow("magface_iresnet18") | {"features.qs.bias": torch.zeros(1)},
                r"keys 1 unexpected \(features\.qs\.bias\)$",
            ),
            (
                "without CR-FIQA's head",
                "crfiqa_iresnet50",
                plain,
                lambda: hollow("arcface_iresnet50"),
                r"keys 2 missing \(qs\.weight, qs\.bias\)$",
            ),
            (
                "too deep for CR-FIQA",
                "crfiqa_iresnet50",
                plain,
                lambda: hollow("crfiqa_iresnet100"),
                r"keys 450 unexpected \(layer2\.4\.bn1\.weight",
            ),
        )
    ],
)
def test_other_files_are_refused_with_the_difference(
    name: str, save: Callable[[Path, StateDict], Path], state: Callable[[], StateDict], told: str, tmp_path: Path
) -> None:
    file = save(tmp_path, state())
    with pytest.raises(WeightsError, match=told):
        find(BACKBONES, name).create(weights=str(file))


@pytest.mark.parametrize("name", SMALLEST)
def test_damage_and_code_are_refused(name: str, refuses_damage: Callable[..., None]) -> None:
    refuses_damage(find(BACKBONES, name).create, hollow(name))


@pytest.mark.parametrize(
    ("name", "prefix", "told"),
    [
        ("arcface_iresnet50", "", "it is a checkpoint of arcface_iresnet18"),
        ("insightface_mbf", "", "it is a checkpoint of arcface_iresnet18"),
        ("arcface_iresnet18", "features.module.", "it is a checkpoint of magface_iresnet18"),
        ("magface_iresnet18", "encoder.", "it is a checkpoint of arcface_iresnet18"),
    ],
)
def test_the_error_names_the_right_backbone(name: str, prefix: str, told: str, tmp_path: Path) -> None:
    state = {prefix + key: value for key, value in hollow("arcface_iresnet18").items()}
    torch.save({"state_dict": state}, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=told):
        create_backbone(name, weights=str(tmp_path / "weights.pth"))


def test_a_head_for_quality_beside_the_network_is_left_out(tmp_path: Path) -> None:
    loaded = create_backbone("arcface_iresnet50", weights=str(plain(tmp_path, hollow("crfiqa_iresnet50"))))
    told = "backbone.pth: left out 2 keys that the network does not have (qs.weight, qs.bias)"
    assert loaded.note == told


def test_weights_published_for_another_preparation_of_images_are_refused(tmp_path: Path) -> None:
    file = in_parallel(tmp_path, hollow("magface_iresnet18"))
    told = "it is a checkpoint of magface_iresnet18, whose images are prepared differently"
    with pytest.raises(WeightsError, match=told):
        create_backbone("arcface_iresnet18", weights=str(file))


@pytest.mark.parametrize("name", ["insightface_mbf", "magface_iresnet18", "crfiqa_iresnet50"])
def test_published_layouts_load_in_the_wrappers_of_training(name: str, tmp_path: Path) -> None:
    state = {f"module._orig_mod.{key}": value for key, value in hollow(name).items()}
    if name.startswith("magface"):
        state = _features(state, "features.module.")
    torch.save({"model": {"state_dict": state | {"margin.weight": torch.zeros(9, 512)}}}, tmp_path / "x.pth.tar")
    assert "cut 'module._orig_mod.' off" in find(BACKBONES, name).create(weights=str(tmp_path / "x.pth.tar")).note
