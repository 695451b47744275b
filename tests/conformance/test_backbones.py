"""check_backbone() passes what can be observed and names what is wrong with the rest."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo, first_tensor
from froq_lightning.conformance import check_backbone
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


@pytest.mark.parametrize("name", ["edgeface", "mobilefacenet"])
def test_real_backbones_keep_the_contract(name: str, request: pytest.FixtureRequest) -> None:
    backbone = request.getfixturevalue(name)
    layers = check_backbone(backbone)
    assert {layer.name for layer in layers} == set(backbone.candidate_layers)


def test_layers_come_back_in_execution_order() -> None:
    assert [layer.name for layer in check_backbone(backbone_of(Net()))] == ["pool", "head", "idle"]


def test_a_network_that_was_set_to_train_again_is_refused() -> None:
    backbone = backbone_of(Net())
    backbone.network.get_submodule("head").train()
    with pytest.raises(BackboneError, match="the network is not in eval mode"):
        check_backbone(backbone)


def test_parameters_that_ask_for_gradients_are_refused() -> None:
    backbone = backbone_of(Net())
    backbone.network.get_submodule("head").requires_grad_()
    with pytest.raises(BackboneError, match="parameters ask for gradients"):
        check_backbone(backbone)


@pytest.mark.parametrize(
    ("finish", "told"),
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
def test_a_wrong_embedding_is_told(finish: Any, told: str) -> None:
    with pytest.raises(BackboneError, match=told):
        check_backbone(backbone_of(Net(finish)))


def test_embed_reaches_into_an_output_of_its_own_kind() -> None:
    backbone = backbone_of(Net(lambda e: {"embedding": e}), embed=lambda output: output["embedding"])
    assert check_backbone(backbone)


def test_embed_that_gives_no_tensor_is_told() -> None:
    with pytest.raises(BackboneError, match=r"Expected `embed` to give a \[B, D\] tensor, but got list"):
        check_backbone(backbone_of(Net(), embed=lambda output: output.tolist()))


def test_a_network_for_crops_of_another_size_is_told() -> None:
    with pytest.raises(BackboneError, match=r"the network does not run on crops of \[16, 16\]"):
        check_backbone(backbone_of(nn.Sequential(nn.Flatten(), nn.Linear(10, 4))))


def test_silent_layers_are_refused_when_asked_to() -> None:
    with pytest.raises(BackboneError, match="1 candidate layers cannot be observed: idle never fired"):
        check_backbone(backbone_of(Net()), allow_silent=False)


def test_a_network_without_an_observable_layer_is_refused() -> None:
    network = nn.Sequential(Texts())
    with pytest.raises(BackboneError, match="none of the 1 candidate layers can be observed: 0 returns tuple"):
        check_backbone(backbone_of(network, embed=first_tensor))
