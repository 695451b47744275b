"""EdgeFace: the conformance suite, its fingerprints, published files and real weights."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from froq_edgeface.backbones import edgeface_s, edgeface_xs
from froq_edgeface.network import EdgeFace, LowRankLinear
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import (
    check_backbone,
    check_backbone_factory,
    check_channel_order_on_faces,
    check_published_input,
)
from froq_lightning.errors import WeightsError

NAMES = ("edgeface_xxs", "edgeface_xs", "edgeface_s", pytest.param("edgeface_base", marks=pytest.mark.slow))


@pytest.fixture(scope="module")
def real(shared: Path) -> Backbone:
    """EdgeFace-XXS with its real weights."""
    return create_backbone("edgeface_xxs", weights=str(shared / "data" / "weights" / "edgeface_xxs.safetensors"))


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("edgeface_xxs", partial(EdgeFace, "edgenext_xx_small")),
        ("edgeface_xs_gamma_06", partial(EdgeFace, "edgenext_x_small", 0.6)),
    ],
)
def test_it_computes_what_the_published_network_computes(
    name: str, network: Callable[[], nn.Module], matches_fingerprint: Callable[..., None]
) -> None:
    matches_fingerprint(network(), name)


@pytest.mark.parametrize("name", NAMES)
def test_all_modules_but_the_lists_of_branches_fire_and_are_candidates(name: str) -> None:
    backbone = create_backbone(name)
    layers = check_backbone(backbone, allow_silent=False)
    modules = {module for module, _ in backbone.network.named_modules() if module}
    silent = modules - {layer.name for layer in layers}
    assert len(silent) == 3
    assert all(name.endswith(".convs") for name in silent)


@pytest.mark.parametrize(("build", "gamma"), [(edgeface_xs, 0.6), (edgeface_s, 0.5)])
def test_ranks_are_a_share_of_the_full_ones(build: Callable[..., Backbone], gamma: float) -> None:
    with torch.device("meta"):
        thin, full = build().network, build(gamma=None).network
    assert not any(isinstance(module, LowRankLinear) for module in full.modules())
    pairs = [(full.get_submodule(name), module) for name, module in thin.named_modules() if _is_thin(module)]
    assert len(pairs) > 30
    for wide, narrow in pairs:
        assert narrow.linear1.out_features == max(2, int(min(wide.in_features, wide.out_features) * gamma))


def _is_thin(module: nn.Module) -> bool:
    return isinstance(module, LowRankLinear)


@pytest.mark.parametrize(
    ("name", "millions"),
    [("edgeface_xxs", 1.24), ("edgeface_xs", 1.77), ("edgeface_s", 3.65), ("edgeface_base", 18.23)],
)
def test_it_has_as_many_parameters_as_published(name: str, millions: float) -> None:
    with torch.device("meta"):
        network = create_backbone(name).network
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


def test_with_real_weights_it_is_the_network_that_timm_builds(
    real: Backbone, shared: Path, embedded: Callable[..., Tensor]
) -> None:
    weights = str(shared / "data" / "weights" / "edgeface_xxs.safetensors")
    plain = create_backbone("timm", architecture="edgenext_xx_small", weights=weights)
    images = torch.rand(2, 3, 112, 112)
    assert torch.equal(embedded(real, images), embedded(plain, images))


@pytest.mark.slow
def test_with_real_weights_it_tells_people_apart(real: Backbone, true_accept_rate: Callable[..., float]) -> None:
    assert true_accept_rate(real) >= 0.99


def test_colours_enter_as_red_green_blue(real: Backbone, pairs: tuple[Tensor, list[str]]) -> None:
    """The network was trained on RGB: `(x / 255 - 0.5) / 0.5` of an RGB image is its input."""
    check_published_input(real, lambda opencv: (opencv.flip(3).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    check_channel_order_on_faces(real, *pairs)


def with_prefix(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + key.removeprefix("model."): value for key, value in state.items()}


@pytest.mark.parametrize("prefix", ["model.", ""])
def test_published_files_load_and_others_do_not(prefix: str) -> None:
    check_backbone_factory(edgeface_xs, partial(with_prefix, prefix))


@pytest.mark.parametrize(
    ("name", "made", "hint"),
    [
        ("edgeface_xs", partial(edgeface_xs, gamma=None), "it fits edgeface_xs with gamma: null"),
        ("edgeface_s", partial(edgeface_xs, gamma=0.5), "it fits edgeface_xs with gamma: 0.5"),
    ],
)
def test_a_file_that_fits_with_an_option_names_the_option(
    name: str, made: Callable[..., Backbone], hint: str, tmp_path: Path
) -> None:
    torch.save(made().network.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match=f"; {hint}$"):
        create_backbone(name, weights=str(tmp_path / "weights.pt"))
