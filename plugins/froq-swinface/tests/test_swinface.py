"""SwinFace: the conformance suite, its fingerprint and published files."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from froq_swinface.backbone import swinface
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone, check_backbone_factory, check_published_input
from froq_lightning.errors import WeightsError

# Modules that fire but return several tensors: the network and its parts.
PARTS = ("backbone", "fam", "tss", "om")
recognition_only = partial(swinface, attributes=False)

Checkpoint = dict[str, Any]
StateDict = dict[str, Tensor]


@pytest.fixture(scope="module")
def fingerprint(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "golden" / "architectures" / "swinface.json").read_text())


@pytest.fixture(scope="module")
def full(matches_fingerprint: Callable[..., None]) -> Backbone:
    """The whole network, filled as the fingerprint says and found to agree with it."""
    backbone = create_backbone("swinface")
    matches_fingerprint(backbone.network, "swinface", embed=backbone.embed)
    return backbone


@pytest.fixture(scope="module")
def fired(full: Backbone, fingerprint: dict[str, Any]) -> tuple[dict[str, Tensor], Counter[str], dict[str, Any]]:
    """Output of the network for the fingerprint's input; how often each module fired; what each returned last."""
    calls: Counter[str] = Counter()
    returned: dict[str, Any] = {}

    def note(name: str, *call: Any) -> None:
        calls[name] += 1
        returned[name] = call[-1]

    hooks = [module.register_forward_hook(partial(note, name)) for name, module in full.network.named_modules()]
    generator = torch.Generator().manual_seed(fingerprint["input"]["seed"])
    with torch.no_grad():
        output = full.network(torch.randn(fingerprint["input"]["shape"], generator=generator).clamp(-1, 1))
    for hook in hooks:
        hook.remove()
    return output, calls, returned


# --- what it computes


def test_it_has_the_parameters_and_gives_the_attributes_of_the_published_network(
    full: Backbone, fired: tuple[Any, ...], fingerprint: dict[str, Any]
) -> None:
    assert sum(parameter.numel() for parameter in full.network.parameters()) == fingerprint["n_parameters"]
    output = {f"om[{name}]": value for name, value in fired[0].items() if name != "Recognition"}
    assert len(output) == 42
    assert output.keys() == fingerprint["extra_outputs"].keys()
    for name, expected in fingerprint["extra_outputs"].items():
        torch.testing.assert_close(output[name], torch.tensor(expected), rtol=0, atol=1e-5)


def test_attention_runs_in_the_published_windows(fired: tuple[Any, ...], fingerprint: dict[str, Any]) -> None:
    returned = fired[2]
    shapes = {name: list(returned[name].shape) for name in fingerprint["module_output_shapes"]}
    assert shapes == fingerprint["module_output_shapes"]


def test_the_published_modules_fire_as_often_as_published(
    full: Backbone, fired: tuple[Any, ...], fingerprint: dict[str, Any]
) -> None:
    calls, names = fired[1], [name for name, _ in full.network.named_modules()]
    silent = fingerprint["never_fired"]
    assert len(names) == fingerprint["n_modules"]
    assert len(calls) == fingerprint["n_fired"]
    assert calls.total() == fingerprint["module_call_total"]
    assert set(names) - set(calls) == {*silent["containers"], *(name for name, _ in silent["other"])}
    repeated = {name: count for name, count in calls.items() if count > 1}
    assert len(repeated) == fingerprint["fired_more_than_once"]["count"]
    assert fingerprint["fired_more_than_once"]["examples"].items() <= repeated.items()


def test_the_norm_layers_have_the_published_eps(full: Backbone, fingerprint: dict[str, Any]) -> None:
    eps = Counter(
        f"{type(module).__name__} eps={module.eps:g}" for module in full.network.modules() if hasattr(module, "eps")
    )
    assert eps == fingerprint["checks"]["norm_layers"]


def test_every_module_that_returns_a_tensor_is_a_candidate(full: Backbone, fired: tuple[Any, ...]) -> None:
    layers = [layer.name for layer in check_backbone(full, allow_silent=False)]
    assert set(layers) == set(fired[1]) - {"", *PARTS}
    assert len(layers) == 499
    assert layers[:4] == [
        f"backbone.{name}" for name in ("patch_embed.proj", "patch_embed.norm", "patch_embed", "pos_drop")
    ]
    in_order = (
        "backbone.layers.0",
        "backbone.layers.3",
        "backbone.feature",
        "fam.nets.0",
        "tss.nets.0",
        "om.output_fcs.41",
    )
    assert [name for name in layers if name in in_order] == list(in_order)


def test_without_attributes_the_layers_and_keys_are_those_of_the_recognition_part(full: Backbone) -> None:
    backbone = create_backbone("swinface", attributes=False)
    layers = check_backbone(backbone, allow_silent=False)
    assert [layer.name for layer in layers][-1] == "backbone.feature"
    assert backbone.candidate_layers == tuple(name for name in full.candidate_layers if name.startswith("backbone."))
    assert len(layers) == 204
    keys = [key for key in full.network.state_dict() if key.startswith("backbone.")]
    assert list(backbone.network.state_dict()) == keys
    with torch.no_grad():
        assert list(backbone.network(torch.zeros(1, 3, 112, 112))) == ["Recognition"]


def test_colours_enter_as_red_green_blue(full: Backbone) -> None:
    """The authors' inference.py turns OpenCV's BGR into RGB and takes (x / 255 - 0.5) / 0.5."""
    check_published_input(full, lambda opencv: (opencv.flip(3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)


# --- checkpoints


def checkpoint(state: StateDict) -> Checkpoint:
    """As the authors' training leaves it: a state dict for each part, the classifier, and the state of the training."""
    parts = [part for part in PARTS if any(key.startswith(f"{part}.") for key in state)]
    return {
        "epoch": 39,
        "global_step": 79999,
        "local_step": 1,
        **{f"state_dict_{part}": taken(state, f"{part}.") for part in parts},
        "state_dict_softmax_fc": {"weight": torch.zeros(10, 512)},
        "state_optimizer": {"state": {0: {"step": 1, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 5e-4}]},
        "state_lr_scheduler": {"base_values": [5e-4], "param_group_field": "lr", "noise_range_t": None},
    }


def taken(state: StateDict, prefix: str) -> StateDict:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


@pytest.fixture(scope="module")
def hollowed(hollow: Callable[..., StateDict]) -> Checkpoint:
    """A checkpoint of the right names and shapes, whose file takes no room."""
    return checkpoint(hollow(swinface)) | {"state_dict_softmax_fc": {}, "state_optimizer": {}}


@pytest.mark.parametrize("factory", [swinface, recognition_only], ids=["attributes", "recognition"])
def test_published_files_load_and_others_do_not(factory: Callable[..., Backbone]) -> None:
    check_backbone_factory(factory, checkpoint)


def test_without_attributes_a_file_with_all_parts_gives_the_same_recognition_part(
    full: Backbone, load: Callable[..., Backbone]
) -> None:
    state = full.network.state_dict()
    loaded = load(recognition_only, checkpoint(state)).network.state_dict()
    assert len(loaded) > 100
    assert all(torch.equal(value, state[key]) for key, value in loaded.items())


def with_prefix(state: Checkpoint) -> Checkpoint:
    own = state["state_dict_backbone"].items()
    return state | {"state_dict_backbone": {f"module.{key}": value for key, value in own}}


def test_a_part_that_was_trained_in_parallel_is_unwrapped(hollowed: Checkpoint, tmp_path: Path) -> None:
    torch.save(with_prefix(hollowed), tmp_path / "weights.pt")
    assert swinface(str(tmp_path / "weights.pt")).note == "weights.pt: took the names of wrappers out of its keys"


def test_a_file_of_the_recognition_part_alone_is_refused_by_the_registered_name(
    hollowed: Checkpoint, tmp_path: Path
) -> None:
    torch.save({"state_dict_backbone": hollowed["state_dict_backbone"]}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="has no entry 'state_dict_fam'; it has: state_dict_backbone"):
        create_backbone("swinface", weights=str(tmp_path / "weights.pt"))
