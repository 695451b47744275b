"""What is EdgeFace's own; what it has in common with others is in plugins/tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from froq_edgeface.backbones import edgeface_s, edgeface_xs
from froq_edgeface.network import LowRankLinear

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import WeightsError


@pytest.mark.parametrize(("build", "gamma"), [(edgeface_xs, 0.6), (edgeface_s, 0.5)])
def test_ranks_are_a_share_of_the_full_ones(build: Callable[..., Backbone], gamma: float) -> None:
    with torch.device("meta"):
        thin, full = build().network, build(gamma=None).network
    assert not any(isinstance(module, LowRankLinear) for module in full.modules())
    thinned = {name: module for name, module in thin.named_modules() if isinstance(module, LowRankLinear)}
    assert len(thinned) > 30
    for name, module in thinned.items():
        wide = full.get_submodule(name)
        assert module.linear1.out_features == max(2, int(min(wide.in_features, wide.out_features) * gamma))


def test_with_real_weights_it_is_the_network_that_timm_builds(shared: Path) -> None:
    weights = str(shared / "data" / "weights" / "edgeface_xxs.safetensors")
    real = create_backbone("edgeface_xxs", weights=weights)
    plain = create_backbone("timm", architecture="edgenext_xx_small", weights=weights)
    inputs = real.inputs(torch.rand(2, 3, 112, 112))
    assert torch.equal(real.embed(real.run(inputs)), plain.embed(plain.run(inputs)))


@pytest.mark.parametrize(
    ("name", "gamma", "hint"),
    [
        ("edgeface_xs", None, "it fits edgeface_xs with gamma: null"),
        ("edgeface_s", 0.5, "it fits edgeface_xs with gamma: 0.5"),
    ],
)
def test_a_file_that_fits_with_an_option_names_the_option(
    name: str, gamma: float | None, hint: str, tmp_path: Path
) -> None:
    torch.save(edgeface_xs(gamma=gamma).network.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match=f"; {hint}$"):
        create_backbone(name, weights=str(tmp_path / "weights.pt"))
