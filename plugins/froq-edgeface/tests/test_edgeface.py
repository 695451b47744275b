"""EdgeFace: against its fingerprints, with published files and real weights, as backbones."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from froq_edgeface.backbones import edgeface_s, edgeface_xs, edgeface_xxs
from froq_edgeface.network import EdgeFace, LowRankLinear
from torch import Tensor, nn

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import WeightsError

NAMES = ("edgeface_xxs", "edgeface_xs", "edgeface_s")


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


@pytest.mark.parametrize(("name", "millions"), [("edgeface_xxs", 1.24), ("edgeface_xs", 1.77), ("edgeface_s", 3.65)])
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


@pytest.fixture(scope="module")
def accepted(real: Backbone, true_accept_rate: Callable[..., float]) -> float:
    """The share of mated trials that real weights accept."""
    return true_accept_rate(real)


def test_with_real_weights_it_tells_people_apart(accepted: float) -> None:
    assert accepted >= 0.99


def test_with_swapped_colours_it_tells_them_apart_less_well(
    real: Backbone, accepted: float, true_accept_rate: Callable[..., float], embedded: Callable[..., Tensor]
) -> None:
    """The network was trained on RGB: `(x / 255 - 0.5) / 0.5` of an RGB image is its input."""
    rgb = torch.randint(0, 256, (2, 3, 112, 112), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(embedded(real, rgb), real.network((rgb / 255 - 0.5) / 0.5))
        assert not torch.allclose(embedded(real, rgb), real.network((rgb.flip(1) / 255 - 0.5) / 0.5), atol=1e-2)
    swapped = Backbone(nn.Sequential(_Swap(), real.network), real.preprocessing, real.weights)
    assert true_accept_rate(swapped) < accepted


class _Swap(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flip(1)


@pytest.mark.parametrize("prefix", ["model.", ""])
def test_published_files_load(prefix: str, loads: Callable[..., Backbone]) -> None:
    like = edgeface_xs()
    state = {prefix + key.removeprefix("model."): value for key, value in like.network.state_dict().items()}
    loads(edgeface_xs, state, like, "edgeface_xs_gamma_06.pt")


def test_other_files_are_refused_with_the_difference(refuses: Callable[..., None]) -> None:
    state = edgeface_xs().network.state_dict()
    refuses(edgeface_xxs, state, r"\d+ missing .* unexpected")
    refuses(partial(edgeface_xs, gamma=0.5), state, r"of another shape \(model\.")
    more = state | {"model.head.weight": torch.zeros(10, 512)}
    refuses(edgeface_xs, more, r"keys 1 unexpected \(model\.head\.weight\)")


def test_wrapped_files_and_a_head_beside_the_network_load(loads: Callable[..., Backbone]) -> None:
    like = edgeface_xxs()
    wrapped = {f"module.{key}": value for key, value in like.network.state_dict().items()}
    loaded = loads(edgeface_xxs, {"model": {"state_dict": wrapped | {"head.weight": torch.zeros(9, 512)}}}, like)
    told = "weights.pth: cut 'module.' off its keys; left out 1 key that the network does not have (head.weight)"
    assert loaded.note == told


def test_damage_and_code_are_refused(refuses_damage: Callable[..., None]) -> None:
    refuses_damage(edgeface_xxs, edgeface_xxs().network.state_dict())


def test_the_error_names_the_right_backbone(tmp_path: Path) -> None:
    torch.save(edgeface_xs().network.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="it is a checkpoint of edgeface_xs"):
        create_backbone("edgeface_s", weights=str(tmp_path / "weights.pt"))
