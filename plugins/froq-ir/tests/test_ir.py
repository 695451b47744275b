"""AdaFace, CurricularFace and CVLface: the conformance suite, their fingerprints and published files."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from froq_ir.adaface import AdaFace, adaface_ir18
from froq_ir.curricularface import CurricularFace, curricularface_ir101
from froq_ir.cvlface import cvlface_ir18
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone, check_backbone_factory, check_published_input
from froq_lightning.methods.network_quality import NetworkQuality

# Fingerprint: network, modules that fire (without the root).
PUBLISHED: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "adaface_ir_18": (partial(AdaFace, 18), 88),
    "adaface_ir_50": (partial(AdaFace, 50), 232),
    "adaface_ir_101": (partial(AdaFace, 101), 457),
    "adaface_ir_se_50": (partial(AdaFace, 50, gated=True), 376),
    "curricularface_ir_101": (CurricularFace, 409),
}
SLOW = [
    pytest.param(name, marks=pytest.mark.slow)
    for name in ("adaface_ir34", "adaface_ir_se50", "curricularface_ir50", "curricularface_ir101")
]
NAMES = ("adaface_ir18", "cvlface_ir18", *SLOW)
BLUE_GREEN_RED = ("adaface_ir18",)


@pytest.fixture(scope="module")
def adaface() -> Backbone:
    torch.manual_seed(0)
    return adaface_ir18()


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_computes_what_the_published_network_computes(name: str, matches_fingerprint: Callable[..., None]) -> None:
    matches_fingerprint(PUBLISHED[name][0](), name, embed=lambda output: output[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_module_but_the_body_of_adaface_fires_and_is_a_candidate(name: str) -> None:
    backbone = create_backbone(name)
    layers = check_backbone(backbone, allow_silent=False)
    modules = {module for module, _ in backbone.network.named_modules() if module}
    assert modules - {layer.name for layer in layers} == (set() if name.startswith("curricular") else {"body"})
    fired = [layer.name for layer in layers]
    assert fired[:2] == ["input_layer.0", "input_layer.1"]
    assert fired.index("body.0") < fired.index("body.1.res_layer.0") < fired.index("output_layer.4")


@pytest.mark.parametrize(("name", "fires"), [(name, fires) for name, (_, fires) in PUBLISHED.items()])
def test_as_many_modules_fire_as_in_the_published_network(name: str, fires: int) -> None:
    backbone = create_backbone({"adaface_ir_se_50": "adaface_ir_se50"}.get(name, name.replace("ir_", "ir")))
    assert len(backbone.candidate_layers) == fires


def test_a_depth_without_a_fingerprint_follows_the_pattern() -> None:
    with torch.device("meta"):
        keys = {depth: len(AdaFace(depth).state_dict()) for depth in (18, 34, 50, 101)}
    blocks = {18: 8, 34: 16, 50: 24, 101: 49}
    # 18 keys a block, 6 for each of three projections, 17 around them.
    assert keys == {depth: 18 * count + 18 + 17 for depth, count in blocks.items()}


@pytest.mark.parametrize("name", ["adaface_ir18", "cvlface_ir18", "curricularface_ir101"])
def test_colours_enter_in_the_published_order(name: str) -> None:
    """AdaFace's `to_input` takes ((BGR / 255) - 0.5) / 0.5; CurricularFace and CVLface read RGB with Pillow."""

    def published(opencv: Tensor) -> Tensor:
        ordered = opencv if name in BLUE_GREEN_RED else opencv.flip(3)
        return (ordered.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5

    check_published_input(create_backbone(name), published)


def test_the_length_of_the_embedding_is_the_networks_own_quality(adaface: Backbone) -> None:
    images = torch.rand(2, 3, 112, 112)
    scores = NetworkQuality().score(adaface, images)
    with torch.no_grad():
        embeddings, lengths = adaface.network(adaface.preprocessing(images))
    assert torch.equal(scores, lengths[:, 0])
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))


# --- checkpoints


def lightning(state: dict[str, Tensor]) -> dict[str, Any]:
    """As AdaFace publishes its weights: a Lightning checkpoint, with the head and its buffers."""
    weights = {f"model.{key}": value for key, value in state.items()}
    head = {"head.kernel": torch.zeros(512, 10), "head.t": torch.zeros(1), "head.batch_mean": torch.ones(1)}
    return {"state_dict": {**weights, **head}, "epoch": 25, "hyper_parameters": {"arch": "ir_18", "lr": 0.1}}


def net(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As CVLface publishes its weights."""
    return {f"net.{key}": value for key, value in state.items()}


@pytest.mark.parametrize(
    ("factory", "layout"),
    [
        (adaface_ir18, lightning),
        (cvlface_ir18, net),
        pytest.param(curricularface_ir101, dict, marks=pytest.mark.slow),
    ],
)
def test_published_files_load_and_others_do_not(factory: Callable[..., Backbone], layout: Callable[..., Any]) -> None:
    check_backbone_factory(factory, layout)


def test_a_plain_state_dict_loads_with_a_note_and_without_one_when_told_that_it_has_no_prefix(
    hollow: Callable[..., dict[str, Tensor]], load: Callable[..., Backbone]
) -> None:
    state = hollow(adaface_ir18)
    assert load(adaface_ir18, state).note == "no key of weights.pth starts with 'model.'"
    assert load(partial(adaface_ir18, prefix=""), state).note == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layout", "message"),
    [
        ("adaface_ir34", lightning, "it is a checkpoint of adaface_ir18"),
        ("adaface_ir34", dict, "it is a checkpoint of adaface_ir18 or cvlface_ir18"),
    ],
)
def test_the_error_names_the_right_backbone(
    name: str,
    layout: Callable[..., Any],
    message: str,
    hollow: Callable[..., dict[str, Tensor]],
    refuses: Callable[..., None],
) -> None:
    refuses(partial(create_backbone, name), layout(hollow(adaface_ir18)), message)


def test_weights_that_would_fit_are_refused_where_they_are_published_for_other_colours(
    hollow: Callable[..., dict[str, Tensor]], refuses: Callable[..., None]
) -> None:
    weights = {f"model.{key}": value for key, value in hollow(adaface_ir18).items()}
    message = "so it would fit cvlface_ir18; but it is a checkpoint of adaface_ir18, whose images are prepared"
    refuses(partial(create_backbone, "cvlface_ir18"), weights, message)
