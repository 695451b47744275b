"""facenet: against its fingerprint, with published files, as a backbone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from froq_facenet.backbone import facenet
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import WeightsError


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    return create_backbone("facenet")


def test_it_computes_what_the_published_network_computes(matches_fingerprint: Callable[..., None]) -> None:
    matches_fingerprint(facenet().network, "facenet_inception_resnet_v1")


def test_every_module_fires_and_is_a_candidate(backbone: Backbone) -> None:
    layers = check_backbone(backbone, allow_silent=False)
    assert len(layers) == 548
    fired = [layer.name for layer in layers]
    assert fired[:2] == ["conv2d_1a.conv", "conv2d_1a.bn"]
    assert fired[-2:] == ["last_linear", "last_bn"]


def test_embeddings_have_length_one(backbone: Backbone, embedded: Callable[..., Tensor]) -> None:
    torch.testing.assert_close(embedded(backbone, torch.rand(3, 3, 160, 160)).norm(dim=1), torch.ones(3))


def test_colours_enter_as_red_green_blue(backbone: Backbone, embedded: Callable[..., Tensor]) -> None:
    """facenet-pytorch standardises Pillow's RGB pixels by (x - 127.5) / 128."""
    rgb = torch.randint(0, 256, (2, 3, 160, 160), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    rgb[:, 2] //= 4  # little blue
    published = (rgb.float() - 127.5) / 128
    with torch.no_grad():
        expected, swapped = backbone.network(published), backbone.network(published.flip(1))
    torch.testing.assert_close(embedded(backbone, rgb), expected, rtol=1e-4, atol=1e-6)
    assert float((swapped - expected).abs().max()) > 1e-4


@pytest.mark.parametrize("people", [8631, 10575, None])
def test_published_files_load_without_their_classifier(
    people: int | None, backbone: Backbone, loads: Callable[..., Backbone]
) -> None:
    classifier = {"logits.weight": torch.zeros(people, 512), "logits.bias": torch.zeros(people)} if people else {}
    loads(facenet, backbone.network.state_dict() | classifier, backbone, "20180402-114759-vggface2.pt")


def test_other_files_are_refused_with_the_difference(backbone: Backbone, refuses: Callable[..., None]) -> None:
    state = backbone.network.state_dict()
    fewer = {key: value for key, value in state.items() if not key.startswith("repeat_2.9")}
    refuses(facenet, fewer, r"26 missing \(repeat_2\.9")


def test_wrapped_files_and_a_head_beside_the_network_load(backbone: Backbone, loads: Callable[..., Backbone]) -> None:
    wrapped = {f"module.{key}": value for key, value in backbone.network.state_dict().items()}
    loaded = loads(facenet, {"model": {"state_dict": wrapped | {"head.weight": torch.zeros(9, 512)}}}, backbone)
    told = "weights.pth: cut 'module.' off its keys; left out 1 key that the network does not have (head.weight)"
    assert loaded.note == told


def test_damage_and_code_are_refused(backbone: Backbone, refuses_damage: Callable[..., None]) -> None:
    refuses_damage(facenet, backbone.network.state_dict())


def test_the_error_names_the_right_backbone(backbone: Backbone, tmp_path: Path) -> None:
    state = {key: value for key, value in backbone.network.state_dict().items() if key != "last_bn.weight"}
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="it resembles facenet most"):
        create_backbone("facenet", weights=str(tmp_path / "weights.pt"))


def test_it_builds_without_values() -> None:
    with torch.device("meta"):
        assert all(value.is_meta for value in facenet().network.state_dict().values())
