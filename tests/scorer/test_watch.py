"""Quality from the user's own passes."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from froq_lightning import QualityScorer
from froq_lightning.errors import ObserverError


@pytest.fixture(scope="session")
def crops() -> Tensor:
    return torch.rand(6, 3, 150, 150, generator=torch.Generator().manual_seed(0))


class Model(nn.Module):
    """A user's model that contains the network, and more."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({"face": network})
        self.head = nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone["face"](images))


def test_scores_are_those_of_the_scorer_with_or_without_gradients(crop_scorer: QualityScorer, crops: Tensor) -> None:
    network, expected = crop_scorer.backbone.network, crop_scorer(crops)
    inputs = crop_scorer.backbone.inputs(crops)
    with crop_scorer.watch(network) as watch:
        for context in (torch.no_grad(), torch.inference_mode(), nullcontext()):
            with context:
                network(inputs)
            torch.testing.assert_close(watch.scores().quality_score, expected.quality_score, rtol=0, atol=1e-5)
            assert torch.equal(watch.scores().quality, expected.quality)
        network(inputs[:2])
        assert len(watch.scores().quality) == 2, "of the latest pass"
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(
    "wrap", [copy.deepcopy, Model, nn.DataParallel], ids=["a copy", "within a model", "DataParallel"]
)
def test_a_network_of_the_users_own_is_watched(
    wrap: Callable[[nn.Module], nn.Module], crop_scorer: QualityScorer, crops: Tensor
) -> None:
    model = wrap(copy.deepcopy(crop_scorer.backbone.network)).eval()
    with torch.no_grad(), crop_scorer.watch(model) as watch:
        model(crop_scorer.backbone.inputs(crops))
        torch.testing.assert_close(watch.scores().quality_score, crop_scorer(crops).quality_score, rtol=0, atol=1e-5)


def test_passes_in_half_precision_score_nearly_alike(crop_scorer: QualityScorer, crops: Tensor) -> None:
    inputs, expected = crop_scorer.backbone.inputs(crops), crop_scorer(crops).quality_score
    half = copy.deepcopy(crop_scorer.backbone.network).bfloat16()
    with torch.no_grad(), crop_scorer.watch(half) as watch:
        half(inputs.bfloat16())
        torch.testing.assert_close(watch.scores().quality_score, expected, rtol=0, atol=0.05)
    with torch.no_grad(), crop_scorer.watch() as watch, torch.autocast("cpu", torch.bfloat16):
        crop_scorer.backbone.network(inputs)
        torch.testing.assert_close(watch.scores().quality_score, expected, rtol=0, atol=0.05)


def test_each_thread_sees_its_own_passes(crop_scorer: QualityScorer, crops: Tensor) -> None:
    inputs = crop_scorer.backbone.inputs(crops)
    with crop_scorer.watch() as watch, ThreadPoolExecutor(4) as threads:

        def score(number: int) -> Tensor:
            with torch.no_grad():
                crop_scorer.backbone.network(inputs[number, None])
            return watch.scores().quality_score

        scores = torch.cat(list(threads.map(score, [*range(6)] * 5)))
    expected = torch.cat([crop_scorer(crop[None]).quality_score for crop in crops]).repeat(5)
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_compiled_network_is_watched_if_it_is_compiled_within_the_block(
    crop_scorer: QualityScorer, crops: Tensor
) -> None:
    inputs, network = crop_scorer.backbone.inputs(crops), copy.deepcopy(crop_scorer.backbone.network)
    with torch.no_grad(), crop_scorer.watch(network) as watch:
        compiled = torch.compile(network)
        for order in (slice(None), slice(None, None, 2)):
            compiled(inputs[order])
            expected = crop_scorer(crops[order]).quality_score
            torch.testing.assert_close(watch.scores().quality_score, expected, rtol=0, atol=1e-4)
    torch.compiler.reset()
    compiled = torch.compile(network)
    with torch.no_grad():
        compiled(inputs)
        with crop_scorer.watch(network) as watch:
            compiled(inputs)
            with pytest.raises(ObserverError, match=r"call `torch\.compile` within the `with` block"):
                watch.scores()


def test_networks_without_the_layers_or_the_weights_are_refused(crop_scorer: QualityScorer) -> None:
    with pytest.raises(ObserverError, match="the network has no layer 'blocks"):
        crop_scorer.watch(nn.Conv2d(3, 3, 3))
    other = copy.deepcopy(crop_scorer.backbone.network)
    next(other.parameters()).add_(1e-3)
    with pytest.raises(ObserverError, match=r"other weights than the observer was made for: 'stem\.conv\.weight' diff"):
        crop_scorer.watch(other)


def test_scores_without_a_pass_or_of_one_in_train_mode_are_refused(crop_scorer: QualityScorer, crops: Tensor) -> None:
    network = copy.deepcopy(crop_scorer.backbone.network)
    with torch.no_grad(), crop_scorer.watch(network) as watch:
        with pytest.raises(ObserverError, match="Expected a pass of the watched network before its scores"):
            watch.scores()
        network.train()(crop_scorer.backbone.inputs(crops))
        with pytest.raises(ObserverError, match="the network is in train mode"):
            watch.scores()
        copy.deepcopy(network)


def test_a_part_in_train_mode_is_noticed(crop_scorer: QualityScorer, crops: Tensor) -> None:
    network = nn.Sequential(copy.deepcopy(crop_scorer.backbone.network)).eval()
    next(network[0].children()).train()
    with torch.no_grad(), crop_scorer.watch(network) as watch:
        network(crop_scorer.backbone.inputs(crops))
        with pytest.raises(ObserverError, match="the network is in train mode"):
            watch.scores()


def test_a_watch_is_entered_once_and_wants_tensors(crop_scorer: QualityScorer) -> None:
    network = crop_scorer.backbone.network
    with crop_scorer.watch() as watch:
        with pytest.raises(ObserverError, match="not in use"):
            watch.__enter__()
        with pytest.raises(ObserverError, match="a tensor of images"):
            network([1])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
