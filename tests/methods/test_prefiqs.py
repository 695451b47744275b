"""PreFIQs beside networks that were pruned by hand, one image at a time."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.backbones.weights import network_sha256
from froq_lightning.errors import BackboneError
from froq_lightning.methods.prefiqs import Per, PreFIQs


def pruned(network: nn.Module, share: float, per: Per) -> nn.Module:
    """A copy whose smallest weights were sorted out by numpy and set to zero."""
    network = copy.deepcopy(network)
    layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    arrays = [layer.weight.numpy() for layer in layers]
    every = np.sort(np.abs(np.concatenate([array.ravel() for array in arrays])))
    for array in arrays:
        magnitudes = np.sort(np.abs(array.ravel())) if per == "layer" else every
        array[np.abs(array) < magnitudes[int(share * len(magnitudes))]] = 0
    return network


def one_by_one(backbone: Backbone, other: nn.Module, images: Tensor) -> list[float]:
    scores = []
    for image in backbone.preprocessing(images):
        one, moved = (backbone.embed(network(image[None])).double() for network in (backbone.network, other))
        scores.append(float(1 - (one / one.norm() - moved / moved.norm()).norm() / 2))
    return scores


@pytest.mark.parametrize("per", ["layer", "network"])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_it_is_the_distance_to_the_embedding_of_a_network_pruned_by_hand(
    share: float, per: Per, staged_backbone: Backbone, small_images: Tensor
) -> None:
    ours = PreFIQs(share, per, micro_batch=5).score(staged_backbone, small_images)
    theirs = one_by_one(staged_backbone, pruned(staged_backbone.network, share, per), small_images)
    assert ours.tolist() == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("per", ["layer", "network"])
def test_so_it_is_on_real_faces_and_weights_and_on_a_transformer(
    per: Per, edgeface: Backbone, calibration_images: Tensor
) -> None:
    torch.manual_seed(0)
    transformer = create_backbone("timm", architecture="vit_tiny_patch16_224", img_size=112)
    for backbone in (edgeface, transformer):
        ours = PreFIQs(0.2, per).score(backbone, calibration_images[:6])
        theirs = one_by_one(backbone, pruned(backbone.network, 0.2, per), calibration_images[:6])
        assert ours.tolist() == pytest.approx(theirs, abs=1e-5)
        assert ours.std() > 1e-3


def test_runs_of_several_threads_do_not_disturb_each_other(staged_backbone: Backbone, small_images: Tensor) -> None:
    expected = PreFIQs().score(staged_backbone, small_images)
    embeddings = staged_backbone.run(staged_backbone.inputs(small_images))
    method = PreFIQs()
    with ThreadPoolExecutor(4) as threads:
        scores = [threads.submit(method.score, staged_backbone, small_images) for _ in range(20)]
        runs = [threads.submit(staged_backbone.run, staged_backbone.inputs(small_images)) for _ in range(20)]
    assert all(torch.equal(score.result(), expected) for score in scores)
    assert all(torch.equal(run.result(), embeddings) for run in runs)


def test_a_copy_made_in_inference_mode_serves_outside_of_it(staged_backbone: Backbone, small_images: Tensor) -> None:
    method = PreFIQs()
    with torch.inference_mode():
        inside = method.score(staged_backbone, small_images)
    with torch.enable_grad():
        assert torch.equal(method.score(staged_backbone, small_images), inside)


def test_weights_that_change_later_are_pruned_anew(staged_backbone: Backbone, small_images: Tensor) -> None:
    network, method = staged_backbone.network, PreFIQs()
    scores = method.score(staged_backbone, small_images)
    assert torch.equal(method.score(staged_backbone, small_images), scores)
    changes: list[Callable[[], object]] = [
        lambda: network.stages[1].conv1.weight.mul_(-1),
        lambda: network.bn.running_mean.add_(1),
        lambda: network.load_state_dict({name: value * 0.9 for name, value in network.state_dict().items()}),
        network.double,
    ]
    for change in changes:
        change()
        changed = method.score(staged_backbone, small_images)
        assert not torch.equal(changed, scores)
        assert torch.equal(changed, PreFIQs().score(staged_backbone, small_images))
        scores = changed


class Chain(nn.Module):
    """A network of few layers, for crops of 32 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 8, 8)
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.two(self.one(self.conv(inputs).relu().mean(dim=(2, 3))).relu())


def chain() -> Chain:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return Chain()


def backbone_of(network: nn.Module) -> Backbone:
    return Backbone(network, Preprocessing(size=(32, 32)), WeightsInfo("none", "0"))


def _tied(network: Chain) -> nn.Module:
    network.two.weight = network.one.weight
    return network


WAYS: dict[str, Callable[[Chain], Any]] = {
    "tied weights": _tied,
    "tied modules": lambda network: network.register_module("two", network.one),
    "parametrised": lambda network: parametrizations.orthogonal(network.one),
    "weight norm": lambda network: parametrizations.weight_norm(network.one),
    "pruned before": lambda network: prune.l1_unstructured(network.one, "weight", 0.2),
    "channels last": lambda network: network.to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("way", WAYS)
def test_weights_that_are_shared_or_computed_are_pruned_too(way: str, small_images: Tensor) -> None:
    network = chain()
    WAYS[way](network)
    backbone, plain = backbone_of(network), chain()
    before = network_sha256(network)
    method = PreFIQs()
    scores = [method.score(backbone, small_images) for _ in range(2)]
    assert network_sha256(network) == before
    for name in ("conv", "one", "two"):
        plain.get_submodule(name).weight = nn.Parameter(getattr(network, name).weight.detach().clone())
        plain.get_submodule(name).bias = nn.Parameter(getattr(network, name).bias.detach().clone())
    expected = one_by_one(backbone_of(plain), pruned(plain, 0.4, "layer"), small_images)
    for each in scores:
        assert each.tolist() == pytest.approx(expected, abs=1e-6)


def test_a_compiled_network_scores_as_a_plain_one(small_images: Tensor) -> None:
    compiled = torch.compile(chain(), backend="eager")
    ours = PreFIQs().score(backbone_of(compiled), small_images)
    torch.testing.assert_close(ours, PreFIQs().score(backbone_of(chain()), small_images), rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_other_types_are_pruned(dtype: torch.dtype, small_images: Tensor) -> None:
    single = PreFIQs().score(backbone_of(chain()), small_images)
    ours = PreFIQs().score(backbone_of(chain().to(dtype)), small_images)
    torch.testing.assert_close(ours, single, rtol=0, atol=0.01)


def test_weights_that_tie_stay(small_images: Tensor) -> None:
    network = chain()
    for parameter in network.parameters():
        nn.init.constant_(parameter, -0.5)
    assert torch.equal(PreFIQs(0.9).score(backbone_of(network), small_images), torch.ones(14))


def _whole(network: Chain) -> nn.Module:
    network.one.weight = nn.Parameter(torch.ones(8, 8, dtype=torch.int8), requires_grad=False)
    network.one.forward = lambda inputs: inputs
    return network


def _locked(network: Chain) -> nn.Module:
    network.lock = Lock()
    return network


def _remembering(network: Chain) -> nn.Module:
    network.scale = network.one.weight.exp()
    return network


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _: nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()), "Conv2d or Linear layers, but Sequential has"),
        (_whole, r"floating-point weights, but 'one' of Chain has one of torch\.int8; choose another method"),
        (_locked, r"a copy of Chain, which fails: cannot pickle '_thread\.lock' object; choose another method"),
        (_remembering, "a copy of Chain, which fails: Only Tensors created explicitly by the user"),
    ],
    ids=["no layers", "whole numbers", "no copy", "a graph"],
)
def test_networks_that_cannot_be_pruned_are_refused(
    spoil: Callable[[Chain], nn.Module], message: str, small_images: Tensor
) -> None:
    with pytest.raises(BackboneError, match=message):
        PreFIQs().score(backbone_of(spoil(chain())), small_images)
