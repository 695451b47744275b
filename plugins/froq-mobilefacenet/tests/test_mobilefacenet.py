"""MobileFaceNet: against its fingerprint, with published files and real weights, as a backbone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from froq_mobilefacenet.backbone import mobilefacenet
from froq_mobilefacenet.network import MobileFaceNet
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import WeightsError


@pytest.fixture(scope="module")
def real(shared: Path) -> Backbone:
    """The backbone with real weights."""
    return create_backbone("mobilefacenet", weights=str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt"))


def test_it_computes_what_the_published_network_computes(matches_fingerprint: Callable[..., None]) -> None:
    matches_fingerprint(MobileFaceNet(), "xiaoccer_mobilefacenet")


def test_a_crop_of_112_columns_is_embedded_by_its_middle_96() -> None:
    network = MobileFaceNet().eval()
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(images), network(images[..., 8:104]))


def test_every_layer_fires_and_the_last_repeats_its_normalisation(real: Backbone) -> None:
    layers = check_backbone(real, allow_silent=False)
    assert len(layers) == 169
    assert [layer.name for layer in layers][-3:] == ["linear1.conv", "linear1.bn", "linear1"]
    assert {layer.name: layer.repeats for layer in layers}["linear7"] == "linear7.bn"


def test_colours_enter_as_red_green_blue(real: Backbone, embedded: Callable[..., Tensor]) -> None:
    """The authors' `dataloader.py` takes (x - 127.5) / 128 of RGB images."""
    rgb = torch.randint(0, 256, (2, 3, 112, 112), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    rgb[:, 2] //= 4  # little blue
    published = (rgb.float() - 127.5) / 128
    with torch.no_grad():
        expected, swapped = real.network(published), real.network(published.flip(1))
    torch.testing.assert_close(embedded(real, rgb), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(swapped, expected, atol=1e-2)


def test_with_real_weights_it_tells_people_apart_and_with_swapped_colours_less_well(
    real: Backbone, true_accept_rate: Callable[..., float]
) -> None:
    accepted = true_accept_rate(real)
    assert accepted >= 0.94
    own = real.preprocessing
    swapped = Preprocessing(own.size, "BGR", own.mean, own.std)
    assert true_accept_rate(Backbone(real.network, swapped, real.weights)) < accepted


def test_it_builds_without_values() -> None:
    with torch.device("meta"):
        network = mobilefacenet().network
    assert all(value.is_meta for value in network.state_dict().values())


# --- checkpoints


def test_published_files_load(loads: Callable[..., Backbone]) -> None:
    like = mobilefacenet()
    state = like.network.state_dict()
    loads(mobilefacenet, {"iter": 68, "net_state_dict": state}, like, "068.ckpt")
    loads(mobilefacenet, state, like)


def test_other_files_are_refused_with_the_difference(refuses: Callable[..., None]) -> None:
    state = mobilefacenet().network.state_dict()
    shallow = {key: value for key, value in state.items() if not key.startswith("blocks.14.")}
    refuses(mobilefacenet, {"net_state_dict": shallow}, r"missing \(blocks\.14\.conv\.0\.weight")
    refuses(
        mobilefacenet,
        state | {"linear1.conv.weight": torch.zeros(512, 512, 1, 1)},
        r"of another shape \(linear1\.conv\.weight",
    )


def test_wrapped_files_and_a_head_beside_the_network_load(loads: Callable[..., Backbone]) -> None:
    like = mobilefacenet()
    wrapped = {f"module.{key}": value for key, value in like.network.state_dict().items()}
    loaded = loads(mobilefacenet, {"model": {"state_dict": wrapped | {"head.weight": torch.zeros(9, 128)}}}, like)
    told = "weights.pth: cut 'module.' off its keys; left out 1 key that the network does not have (head.weight)"
    assert loaded.note == told


def test_damage_and_code_are_refused(refuses_damage: Callable[..., None]) -> None:
    refuses_damage(mobilefacenet, {"net_state_dict": mobilefacenet().network.state_dict()})


def test_the_error_of_another_backbone_names_this_one(tmp_path: Path) -> None:
    torch.save({"net_state_dict": mobilefacenet().network.state_dict()}, tmp_path / "068.ckpt")
    with pytest.raises(WeightsError, match="it is a checkpoint of mobilefacenet"):
        create_backbone("timm", architecture="resnet18", weights=str(tmp_path / "068.ckpt"))
