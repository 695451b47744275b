"""AdaFace, CurricularFace and CVLface: against their fingerprints, with the published files, as backbones."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from froq_ir.adaface import AdaFace, adaface_ir18, adaface_ir34, adaface_ir50
from froq_ir.curricularface import CurricularFace, curricularface_ir101
from froq_ir.cvlface import cvlface_ir18
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import WeightsError
from froq_lightning.methods.network_quality import NetworkQuality

# Fingerprint: network, modules that fire (without the root).
PUBLISHED: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "adaface_ir_18": (partial(AdaFace, 18), 88),
    "adaface_ir_50": (partial(AdaFace, 50), 232),
    "adaface_ir_101": (partial(AdaFace, 101), 457),
    "adaface_ir_se_50": (partial(AdaFace, 50, gated=True), 376),
    "curricularface_ir_101": (CurricularFace, 409),
}
NAMES = ("adaface_ir18", "adaface_ir34", "adaface_ir_se50", "cvlface_ir18", "curricularface_ir101")
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


@pytest.mark.parametrize("name", [*NAMES, "adaface_ir50", "adaface_ir101", "cvlface_ir50", "cvlface_ir101"])
def test_it_builds_without_values(name: str) -> None:
    with torch.device("meta"):
        backbone = create_backbone(name)
    assert all(value.is_meta for value in backbone.network.state_dict().values())


@pytest.mark.parametrize("name", ["adaface_ir18", "cvlface_ir18", "curricularface_ir101"])
def test_colours_enter_in_the_published_order(name: str, embedded: Callable[..., Tensor]) -> None:
    """AdaFace's `to_input` takes ((BGR / 255) - 0.5) / 0.5; CurricularFace and CVLface read RGB with Pillow."""
    backbone = create_backbone(name)
    rgb = torch.randint(0, 256, (2, 3, 112, 112), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    rgb[:, 2] //= 4  # little blue
    ordered = rgb[:, [2, 1, 0]] if name in BLUE_GREEN_RED else rgb
    published = (ordered / 255 - 0.5) / 0.5
    with torch.no_grad():
        expected, swapped = (backbone.embed(backbone.network(inputs)) for inputs in (published, published.flip(1)))
    torch.testing.assert_close(embedded(backbone, rgb), expected)
    assert not torch.allclose(swapped, expected, atol=1e-3)


def test_the_length_of_the_embedding_is_the_networks_own_quality(adaface: Backbone) -> None:
    images = torch.rand(2, 3, 112, 112)
    scores = NetworkQuality().score(adaface, images)
    with torch.no_grad():
        embeddings, lengths = adaface.network(adaface.preprocessing(images))
    assert torch.equal(scores, lengths[:, 0])
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2))


# --- checkpoints


def lightning(backbone: Backbone) -> dict[str, Any]:
    """As AdaFace publishes its weights: a Lightning checkpoint, with the head and its buffers."""
    weights = {f"model.{key}": value for key, value in backbone.network.state_dict().items()}
    head = {"head.kernel": torch.zeros(512, 10), "head.t": torch.zeros(1), "head.batch_mean": torch.ones(1)}
    return {"state_dict": {**weights, **head}, "epoch": 25, "hyper_parameters": {"arch": "ir_18", "lr": 0.1}}


def test_published_files_of_adaface_load(adaface: Backbone, loads: Callable[..., Backbone]) -> None:
    loaded = loads(adaface_ir18, lightning(adaface), adaface, "adaface_ir18_webface4m.ckpt")
    assert loaded.weights.licence == "research"


def test_a_plain_state_dict_loads_with_a_note_and_without_one_when_told_that_it_has_no_prefix(
    adaface: Backbone, loads: Callable[..., Backbone]
) -> None:
    state = adaface.network.state_dict()
    assert loads(adaface_ir18, state, adaface).note == "no key of weights.pth starts with 'model.'"
    assert loads(partial(adaface_ir18, prefix=""), state, adaface).note == ""


def test_published_files_of_cvlface_load(loads: Callable[..., Backbone]) -> None:
    like = cvlface_ir18()
    loads(cvlface_ir18, {f"net.{key}": value for key, value in like.network.state_dict().items()}, like)


def test_published_files_of_curricularface_load(loads: Callable[..., Backbone]) -> None:
    like = curricularface_ir101()
    loads(curricularface_ir101, like.network.state_dict(), like)


def test_another_depth_is_refused_with_the_difference(adaface: Backbone, refuses: Callable[..., None]) -> None:
    refuses(adaface_ir34, lightning(adaface), r"162 missing \(body\.3\.shortcut_layer")
    refuses(adaface_ir50, lightning(adaface), r"306 missing")
    refuses(partial(adaface_ir18, prefix=""), {"head": torch.zeros(3), **adaface.network.state_dict()}, r"1 unexpected")


def test_damage_and_code_are_refused(adaface: Backbone, refuses_damage: Callable[..., None]) -> None:
    refuses_damage(adaface_ir18, lightning(adaface))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("adaface_ir34", "it is a checkpoint of adaface_ir18"),
        ("cvlface_ir18", "it is a checkpoint of adaface_ir18"),
        ("curricularface_ir101", "it is a checkpoint of adaface_ir18"),
    ],
)
def test_the_error_names_the_right_backbone(name: str, told: str, adaface: Backbone, tmp_path: Any) -> None:
    torch.save(lightning(adaface), tmp_path / "weights.ckpt")
    with pytest.raises(WeightsError, match=told):
        create_backbone(name, weights=str(tmp_path / "weights.ckpt"))


def test_the_error_names_the_right_backbones_although_the_prefix_is_missing(adaface: Backbone, tmp_path: Any) -> None:
    torch.save(adaface.network.state_dict(), tmp_path / "weights.ckpt")
    with pytest.raises(WeightsError, match="it is a checkpoint of adaface_ir18 or cvlface_ir18"):
        create_backbone("adaface_ir34", weights=str(tmp_path / "weights.ckpt"))


def test_weights_that_would_fit_are_refused_where_they_are_published_for_other_colours(
    adaface: Backbone, tmp_path: Any
) -> None:
    weights = {f"model.{key}": value for key, value in adaface.network.state_dict().items()}
    torch.save(weights, tmp_path / "weights.ckpt")
    told = "so it would fit cvlface_ir18; but it is a checkpoint of adaface_ir18, whose images are prepared differently"
    with pytest.raises(WeightsError, match=told):
        create_backbone("cvlface_ir18", weights=str(tmp_path / "weights.ckpt"))
