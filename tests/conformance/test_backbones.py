"""The checks of a backbone pass what can be observed and name what is wrong with the rest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo, first_tensor
from froq_lightning.conformance import backbone_checks, check_backbone, writes_into_input
from froq_lightning.errors import BackboneError


class Net(nn.Module):
    """A pooled linear embedding, changed at its end by `finish`."""

    def __init__(self, finish: Any = None) -> None:
        super().__init__()
        self.pool, self.head, self.idle = nn.AdaptiveAvgPool2d(4), nn.Linear(48, 6), nn.Linear(2, 2)
        self.finish = finish

    def forward(self, inputs: Tensor) -> Any:
        embedding = self.head(self.pool(inputs).flatten(1))
        return self.finish(embedding) if self.finish else embedding


class Texts(nn.Module):
    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        return (inputs.flatten(1),)


def backbone_of(network: nn.Module, **options: Any) -> Backbone:
    return Backbone(network, Preprocessing(size=(16, 16)), WeightsInfo("none", "0"), **options)


@pytest.mark.parametrize("check", backbone_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["edgeface", "small_backbone"])
def test_good_backbones_pass_every_check(name: str, check: Any, request: pytest.FixtureRequest) -> None:
    backbone = request.getfixturevalue(name)
    state = {key: value.clone() for key, value in backbone.network.state_dict().items()}
    check(backbone)
    assert all(torch.equal(state[key], value) for key, value in backbone.network.state_dict().items())


def test_layers_come_back_in_execution_order() -> None:
    assert [layer.name for layer in check_backbone(backbone_of(Net()))] == ["pool", "head", "idle"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (nn.Module.train, "the network is not in eval mode"),
        (nn.Module.requires_grad_, "parameters ask for gradients"),
    ],
)
def test_a_network_that_was_set_to_train_again_is_refused(change: Callable[[nn.Module], Any], message: str) -> None:
    backbone = backbone_of(Net())
    change(backbone.network.get_submodule("head"))
    with pytest.raises(BackboneError, match=message):
        check_backbone(backbone)


@pytest.mark.parametrize(
    ("finish", "message"),
    [
        (lambda e: e * torch.nan, "the embedding is not finite"),
        (lambda e: e * 0, "different images give the same embedding"),
        (lambda e: e - e.mean(dim=0), "depends on the other images of its batch"),
        (lambda e: e[:, :, None], r"Expected `embed` to give a \[B, D\] tensor, but got \[2, 6, 1\] for a batch of 2"),
        (lambda e: e[:1], r"Expected `embed` to give a \[B, D\] tensor, but got \[1, 6\] for a batch of 2"),
        (lambda e: {"embedding": e}, "Expected the network to output a tensor, but got dict; declare `embed`"),
    ],
    ids=["NaN", "constant", "batch statistics", "three dimensions", "one row", "dict"],
)
def test_a_wrong_embedding_is_refused(finish: Any, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        check_backbone(backbone_of(Net(finish)))


def test_embed_reaches_into_an_output_of_its_own_kind() -> None:
    backbone = backbone_of(Net(lambda e: {"embedding": e}), embed=lambda output: output["embedding"])
    assert check_backbone(backbone)


@pytest.mark.parametrize(
    ("network", "embed", "message"),
    [
        (Net(), Tensor.tolist, r"Expected `embed` to give a \[B, D\] tensor, but got list"),
        (nn.Sequential(nn.Flatten(), nn.Linear(10, 4)), None, r"the network does not run on crops of \[16, 16\]"),
        (nn.Sequential(Texts()), first_tensor, "none of the 1 candidate layers can be observed: 0 returns tuple"),
        (Net(), None, "1 candidate layers cannot be observed: idle never fired"),
    ],
    ids=["list", "size", "no layer", "a silent layer"],
)
def test_a_network_that_cannot_be_observed_is_refused(network: nn.Module, embed: Any, message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        check_backbone(backbone_of(network, **({"embed": embed} if embed else {})), allow_silent=False)


class Lenient(Preprocessing):
    """Takes whatever it is given, and swaps red and blue although it says RGB."""

    def __call__(self, images: Tensor) -> Tensor:
        return self.normalise(images.float() / (255 if images.dtype == torch.uint8 else 1)).flip(1)


class Unscaled(Preprocessing):
    """Forgets that bytes are not in 0..1."""

    def __call__(self, images: Tensor) -> Tensor:
        return self.normalise(images.float())


@pytest.mark.parametrize(
    ("kind", "check", "message"),
    [
        (Lenient, "check_channel_order", r"in RGB order, .*, but red and blue are swapped \(`channel_order` is RGB\)"),
        (Unscaled, "check_channel_order", "but mean, std or channels differ"),
        (Lenient, "check_images", "to refuse a crop of another size with an ImageError, but it took it"),
        (Unscaled, "check_images", "uint8 images and the same in 0..1 to give one embedding, but they differ"),
    ],
)
def test_a_wrong_preprocessing_is_refused(kind: type[Preprocessing], check: str, message: str) -> None:
    backbone = replace(backbone_of(Net()), preprocessing=kind(size=(16, 16)))
    (run,) = (each for each in backbone_checks() if getattr(each, "__name__", "") == check)
    with pytest.raises(BackboneError, match=message):
        run(backbone)


def test_a_network_that_writes_into_its_input_passes_and_is_reported() -> None:
    in_place = backbone_of(nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(768, 4)))
    check_backbone(in_place)
    assert writes_into_input(in_place)
    assert not writes_into_input(backbone_of(Net()))
