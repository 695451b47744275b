"""SER-FIQ beside one image and one stochastic pass at a time."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy.spatial.distance import pdist
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.errors import BackboneError
from froq_lightning.methods.ser_fiq import SerFiq

Part = Callable[[Tensor], Tensor]


def one_by_one(method: SerFiq, rate: float, inputs: Tensor, trunk: Part, head: Part) -> list[float]:
    """Equation 1 of the paper, written out for single images and passes."""
    scores = []
    for image in inputs:
        with torch.no_grad():
            values = trunk(image[None])
            draws = torch.rand((method.passes, *values.shape[1:]), generator=torch.Generator().manual_seed(method.seed))
            passes = torch.cat([head(values * (draw >= rate) / (1 - rate)) for draw in draws]).double()
        unit = passes / passes.norm(dim=1, keepdim=True)
        scores.append(2 / (1 + math.exp(2 / method.passes**2 * pdist(unit.numpy()).sum())))
    return scores


@pytest.mark.parametrize(("rate", "seed", "micro_batch"), [(None, 0, 1), (None, 3, 4), (0.2, 0, 14)])
def test_it_is_the_same_sum_over_single_passes(
    rate: float | None, seed: int, micro_batch: int, staged_backbone: Backbone, small_images: Tensor
) -> None:
    method = SerFiq(passes=9, seed=seed, rate=rate, micro_batch=micro_batch)
    network = staged_backbone.network
    inputs = staged_backbone.preprocessing(small_images)
    theirs = one_by_one(method, rate or 0.4, inputs, network.trunk, lambda values: network.head(values.flatten(1)))
    assert method.score(staged_backbone, small_images).tolist() == pytest.approx(theirs, rel=1e-6)


def test_scaling_stretches_the_same_order_over_0_to_1(staged_backbone: Backbone, small_images: Tensor) -> None:
    plain = SerFiq(passes=9, rate=0.02).score(staged_backbone, small_images)
    scaled = SerFiq(passes=9, rate=0.02, scaled=True).score(staged_backbone, small_images)
    assert scaled.tolist() == pytest.approx([1 / (1 + math.exp(-130 * (score - 0.88))) for score in plain.tolist()])
    assert torch.equal(scaled.argsort(), plain.argsort())


class Late(nn.Module):
    """A linear network with a dropout at a place of choice."""

    def __init__(self, dropout: nn.Module, kind: str = "straight") -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.dropout = dropout
        self.head = nn.Linear(6 * 36, 10)
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.kind == "residual":
            return self.head((x + self.dropout(x)).flatten(1))
        if self.kind == "beside":
            self.result = self.dropout(x)
            return self.head(x.flatten(1))
        x = self.dropout(x) if self.kind == "twice" else x
        return self.head(self.dropout(x - 1).flatten(1))


def late(dropout: nn.Module, kind: str = "straight") -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Backbone.with_weights(Late(dropout, kind), Preprocessing((8, 8)), None)


def test_a_dropout_of_whole_channels_drops_whole_channels(small_images: Tensor) -> None:
    backbone = late(nn.Dropout2d(0.5))
    inputs: list[Tensor] = []
    backbone.network.head.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    SerFiq(passes=10).score(backbone, small_images[:2, :, :8, :8])
    retained = inputs[-1].view(10, 2, 6, 36) != 0
    assert torch.equal(retained.all(dim=-1), retained.any(dim=-1))
    assert 0.2 < float(retained.double().mean()) < 0.8


def test_a_dropout_that_runs_twice_is_active_in_its_last_run(small_images: Tensor) -> None:
    images = small_images[:3, :, :8, :8]
    once, twice = late(nn.Dropout(0.4)), late(nn.Dropout(0.4), "twice")
    assert torch.equal(SerFiq(passes=5).score(twice, images), SerFiq(passes=5).score(once, images))


@pytest.mark.parametrize("images", [1, 2, 9])
@pytest.mark.parametrize(
    ("kind", "message"),
    [("residual", "stands in a branch of it .*The size of tensor"), ("beside", r"2|8 images gave 2|8 embeddings")],
)
def test_a_dropout_beside_the_only_way_to_the_embedding_is_refused(
    images: int, kind: str, message: str, small_images: Tensor
) -> None:
    with pytest.raises(BackboneError, match=message) as caught:
        SerFiq(passes=4).score(late(nn.Dropout(0.4), kind), small_images[:images, :, :8, :8])
    assert "'dropout'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_memory_that_runs_out_is_not_mistaken_for_a_misplaced_dropout(small_images: Tensor) -> None:
    backbone = late(nn.Dropout(0.4))

    def fill(module: nn.Module, args: tuple[Tensor]) -> None:
        del module
        if len(args[0]) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")

    backbone.network.head.register_forward_pre_hook(fill)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        SerFiq(passes=4).score(backbone, small_images[:2, :, :8, :8])


def test_a_network_without_dropout_is_refused(small_backbone: Backbone, small_images: Tensor) -> None:
    with pytest.raises(BackboneError, match="needs a dropout before the embedding, but none runs in SmallNet; choose"):
        SerFiq(rate=0.5).score(small_backbone, small_images)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_dropout_that_drops_nothing_or_all_is_refused(rate: float, small_images: Tensor) -> None:
    with pytest.raises(BackboneError, match=f"'dropout' of Late has a rate of {rate:g}; the option `rate: 0.5`"):
        SerFiq().score(late(nn.Dropout(rate)), small_images[:, :, :8, :8])


def test_the_layers_before_the_dropout_run_once_and_the_micro_batch_bounds_those_after(
    staged_backbone: Backbone, small_images: Tensor
) -> None:
    before: list[int] = []
    after: list[int] = []
    staged_backbone.network.stem.register_forward_hook(lambda *call: before.append(len(call[-1])))
    staged_backbone.network.head.register_forward_hook(lambda *call: after.append(len(call[-1])))
    SerFiq(passes=10, micro_batch=4).score(staged_backbone, small_images)
    assert sum(before) == 1 + 14
    assert max(after) == 4 * 10
