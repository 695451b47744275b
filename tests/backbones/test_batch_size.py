"""The batch size that a network is fastest at, found on networks whose speed is known."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.batch_size import fastest_batch_size
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo

CPU = torch.device("cpu")


class Timed(nn.Module):
    """Takes a while for a pass and a while for every image, of which those beyond a number take ten times as long.

    The while passes on a clock of its own: how busy the machine is plays no part.
    """

    def __init__(self, a_pass: float, an_image: float, room: int, most: int = 1000) -> None:
        super().__init__()
        self.a_pass, self.an_image, self.room, self.most = a_pass, an_image, room, most
        self.seen: list[int] = []
        self.now = 0.0

    def forward(self, inputs: Tensor) -> Tensor:
        size = len(inputs)
        if size > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.seen.append(size)
        self.now += self.a_pass + self.an_image * (size + 9 * max(0, size - self.room))
        return inputs


@pytest.fixture
def fastest(monkeypatch: pytest.MonkeyPatch) -> Callable[[Timed], int]:
    """`fastest(network)`: the batch size that is found for a network by its own clock."""

    def found(network: Timed) -> int:
        network.body = nn.Identity()
        monkeypatch.setattr("froq_lightning.backbones.batch_size.perf_counter", lambda: network.now)
        return fastest_batch_size(Backbone(network, Preprocessing(size=(2, 2)), WeightsInfo("none", "")), CPU)

    return found


def test_batches_grow_while_they_are_worth_it_and_stop_behind_the_best(fastest: Callable[[Timed], int]) -> None:
    network = Timed(a_pass=0.02, an_image=0.001, room=16)
    assert fastest(network) == 16
    assert max(network.seen) == 64


def test_a_batch_that_gains_nothing_is_not_taken(fastest: Callable[[Timed], int]) -> None:
    assert fastest(Timed(a_pass=0, an_image=0.04, room=1000)) == 1


def test_memory_is_a_limit(fastest: Callable[[Timed], int]) -> None:
    network = Timed(a_pass=0.02, an_image=0, room=1000, most=8)
    assert fastest(network) == 8


def test_a_pass_that_takes_long_is_the_last(fastest: Callable[[Timed], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("froq_lightning.backbones.batch_size.MAX_SECONDS", 0.05)
    network = Timed(a_pass=0.04, an_image=0.004, room=1000)
    assert fastest(network) == 4
    assert max(network.seen) == 4


def test_a_real_network_finds_one_and_is_left_as_it_was(small_backbone: Backbone) -> None:
    before = {name: value.clone() for name, value in small_backbone.network.state_dict().items()}
    assert 1 <= fastest_batch_size(replace(small_backbone), CPU) <= 512
    assert all(torch.equal(value, before[name]) for name, value in small_backbone.network.state_dict().items())
