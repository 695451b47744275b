"""Checkpoints of all plugins: files in the published layouts load, all others are refused."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone_factory
from froq_lightning.errors import WeightsError

StateDict = dict[str, Tensor]
Hollow = Callable[[str], StateDict]
Refuses = Callable[[str, Any, str], None]
Layout = Callable[[StateDict], Any]
SLOW = pytest.mark.slow
HEAD = torch.zeros(10, 512)
OPTIMIZER = {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}


def replaced(old: str, new: str, state: StateDict) -> StateDict:
    return {new + key.removeprefix(old): value for key, value in state.items()}


def lightning(state: StateDict) -> dict[str, Any]:
    """As AdaFace publishes its weights: a Lightning checkpoint, with the head and its buffers."""
    head = {"head.kernel": HEAD.T, "head.t": torch.zeros(1), "head.batch_mean": torch.ones(1)}
    return {"state_dict": replaced("", "model.", state) | head, "epoch": 25, "hyper_parameters": {"arch": "ir_18"}}


def resumed(state: StateDict) -> dict[str, Any]:
    """What insightface's training leaves to go on from, with the part of the classifier that one GPU holds."""
    training = {"epoch": 3, "state_optimizer": OPTIMIZER, "state_lr_scheduler": {"last_epoch": 3}}
    return training | {"state_dict_backbone": state, "state_dict_softmax_fc": {"weight": HEAD}}


def distributed(state: StateDict) -> dict[str, Any]:
    """MagFace trained with one process per GPU: only the network is wrapped."""
    head = {f"{name}.weight": HEAD.T for name in ("parallel_fc", "parallel_fc.module", "fc")}
    network = replaced("features.", "features.module.", state)
    return {"epoch": 25, "arch": "iresnet18", "state_dict": head | network, "optimizer": OPTIMIZER}


def in_parallel(state: StateDict) -> dict[str, Any]:
    """MagFace trained with one process for all GPUs: network and head are wrapped together."""
    return {"state_dict": replaced("", "module.", state) | {"module.fc.weight": HEAD.T}}


def with_classifier(state: StateDict) -> StateDict:
    """As facenet-pytorch publishes its weights, trained on VGGFace2."""
    return state | {"logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}


def mobilefacenet(state: StateDict) -> dict[str, Any]:
    return {"iter": 68, "net_state_dict": state}


def swinface(state: StateDict) -> dict[str, Any]:
    """As SwinFace's training leaves it: a state dict for each part, the classifier, and the state of the training."""
    of_part: dict[str, StateDict] = {}
    for key, value in state.items():
        part, _, name = key.partition(".")
        of_part.setdefault(f"state_dict_{part}", {})[name] = value
    return {"epoch": 39, **of_part, "state_dict_softmax_fc": {"weight": HEAD}, "state_optimizer": OPTIMIZER}


LAYOUTS = [
    ("adaface_ir18", lightning, {}),
    ("arcface_iresnet18", dict, {}),
    ("crfiqa_iresnet50", dict, {}),
    ("curricularface_ir101", dict, {}),
    ("cvlface_ir18", partial(replaced, "", "net."), {}),
    ("ediffiqa_s", dict, {}),
    ("edgeface_xs", dict, {}),
    ("edgeface_xs", partial(replaced, "model.", ""), {}),
    ("facenet", dict, {}),
    ("facenet", with_classifier, {}),
    ("insightface_mbf", dict, {}),
    ("insightface_mbf", resumed, {}),
    ("insightface_vit_t", resumed, {}),
    ("insightface_vit_t", partial(replaced, "", "net."), {"prefix": "net."}),
    ("magface_iresnet18", distributed, {}),
    ("magface_iresnet18", in_parallel, {}),
    ("mobilefacenet", dict, {}),
    ("mobilefacenet", mobilefacenet, {}),
    ("swinface", swinface, {}),
    ("swinface", swinface, {"attributes": False}),
    ("transface_vit_s", dict, {}),
    ("vitfiqa_t", dict, {}),
]
FAST = (lightning, resumed, mobilefacenet)


@pytest.mark.parametrize(
    ("name", "layout", "options"),
    [pytest.param(*row, marks=() if row[1] in FAST else SLOW) for row in LAYOUTS],
)
def test_published_files_load_and_others_do_not(name: str, layout: Layout, options: dict[str, Any]) -> None:
    def factory(weights: str | None = None) -> Backbone:
        return create_backbone(name, weights=weights, **options)

    check_backbone_factory(factory, layout)


@pytest.fixture
def refuses(tmp_path: Path) -> Refuses:
    """`refuses(name, checkpoint, message)`: the backbone refuses the file with a WeightsError that says so."""

    def check(name: str, checkpoint: Any, message: str) -> None:
        torch.save(checkpoint, tmp_path / "weights.pth")
        with pytest.raises(WeightsError, match=message):
            create_backbone(name, weights=str(tmp_path / "weights.pth"))

    return check


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("adaface_ir18", lightning),
        ("arcface_iresnet50", resumed),
        ("crfiqa_iresnet50", dict),
        ("edgeface_xs", dict),
        ("ediffiqa_s", dict),
        ("magface_iresnet18", distributed),
        ("magface_iresnet18", in_parallel),
        ("mobilefacenet", mobilefacenet),
        ("swinface", swinface),
        ("vitfiqa_t", dict),
        ("vitfiqa_c", dict),
    ],
)
def test_the_error_of_another_backbone_names_that_of_the_file(
    name: str, layout: Layout, hollow: Hollow, refuses: Refuses
) -> None:
    refuses("insightface_mbf", layout(hollow(name)), f"it is a checkpoint of {name}")


@pytest.mark.parametrize(
    ("name", "layout", "other", "message"),
    [
        ("adaface_ir34", lightning, "adaface_ir18", r"162 missing \(body\.3\.shortcut_layer"),
        ("arcface_iresnet18", dict, "arcface_iresnet34", r"keys 144 unexpected \(layer1\.2\.bn1\.weight"),
        ("crfiqa_iresnet50", dict, "arcface_iresnet50", r"keys 2 missing \(qs\.weight, qs\.bias\)"),
        ("ediffiqa_s", dict, "arcface_iresnet18", r"191 missing \(base_model\.conv1\.weight"),
        ("edgeface_s", dict, "edgeface_xs", r"of another shape \(model\."),
        ("magface_iresnet18", in_parallel, "magface_iresnet50", r"288 unexpected \(features\.layer1\.2\.bn1\.w"),
        (
            "magface_iresnet18",
            dict,
            "arcface_iresnet18",
            "starts with 'features.module.' or 'module.features.'; .*: conv1.weight",
        ),
        ("transface_vit_s", dict, "insightface_vit_s", r"2 missing \(senet\.0\.weight, senet\.2\.weight\)"),
        # It would fit but for its colours.
        (
            "cvlface_ir18",
            partial(replaced, "", "model."),
            "adaface_ir18",
            "so it would fit cvlface_ir18; but it is a checkpoint of adaface_ir18, whose images are prepared",
        ),
    ],
)
def test_files_of_other_backbones_are_refused_with_the_difference(
    name: str, layout: Layout, other: str, message: str, hollow: Hollow, refuses: Refuses
) -> None:
    refuses(name, layout(hollow(other)), message)


def wrapped(layout: Layout, state: StateDict) -> dict[str, Any]:
    """In the wrappers of parallel and compiled training, with one more head."""
    return {"model": {"state_dict": replaced("", "module._orig_mod.", layout(state)) | {"margin.weight": HEAD}}}


@pytest.mark.parametrize(
    ("name", "layout", "other", "note"),
    [
        ("adaface_ir18", dict, "adaface_ir18", "no key of weights.pth starts with 'model.'"),
        (
            "arcface_iresnet50",
            dict,
            "crfiqa_iresnet50",
            "left out 2 keys that the network does not have (qs.weight, qs.bias)",
        ),
        ("arcface_iresnet18", dict, "ediffiqa_s", "cut 'base_model.' off its keys"),
        ("insightface_vit_t", partial(replaced, "", "net."), "insightface_vit_t", "cut 'net.' off its keys"),
        ("transface_vit_s", partial(replaced, "", "net."), "transface_vit_s", "cut 'net.' off its keys"),
        ("insightface_mbf", partial(wrapped, dict), "insightface_mbf", "cut 'module._orig_mod.' off"),
        (
            "magface_iresnet18",
            partial(wrapped, partial(replaced, "features.", "features.module.")),
            "magface_iresnet18",
            "cut 'module._orig_mod.' off",
        ),
    ],
)
def test_what_was_done_to_the_names_of_a_file_is_noted(
    name: str, layout: Layout, other: str, note: str, hollow: Hollow, tmp_path: Path
) -> None:
    torch.save(layout(hollow(other)), tmp_path / "weights.pth")
    assert note in create_backbone(name, weights=str(tmp_path / "weights.pth")).note
