"""The batch size that a network is fastest at, found on networks whose speed is known."""

import time
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.batch_size import fastest_batch_size
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo

CPU = torch.device("cpu")


class Timed(nn.Module):
    """Takes a while for a pass and a while for every image, of which those beyond a number take ten times as long."""

    def __init__(self, a_pass: float, an_image: float, room: int, most: int = 1000) -> None:
        super().__init__()
        self.a_pass, self.an_image, self.room, self.most = a_pass, an_image, room, most
        self.seen: list[int] = []

    def forward(self, inputs: Tensor) -> Tensor:
        size = len(inputs)
        if size > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.seen.append(size)
        time.sleep(self.a_pass + self.an_image * (size + 9 * max(0, size - self.room)))
        return inputs


def backbone(network: nn.Module) -> Backbone:
    network.body = nn.Identity()
    return Backbone(network, Preprocessing(size=(2, 2)), WeightsInfo("none", ""))


def test_batches_grow_while_they_are_worth_it_and_stop_behind_the_best() -> None:
    network = Timed(a_pass=0.02, an_image=0.001, room=16)
    assert fastest_batch_size(backbone(network), CPU) == 16
    assert max(network.seen) == 64


def test_a_batch_that_gains_nothing_is_not_taken() -> None:
    assert fastest_batch_size(backbone(Timed(a_pass=0, an_image=0.04, room=1000)), CPU) == 1


def test_memory_is_a_limit() -> None:
    network = Timed(a_pass=0.02, an_image=0, room=1000, most=8)
    assert fastest_batch_size(backbone(network), CPU) == 8


def test_a_pass_that_takes_long_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("froq_lightning.backbones.batch_size.LONGEST_PASS", 0.05)
    network = Timed(a_pass=0.04, an_image=0.004, room=1000)
    assert fastest_batch_size(backbone(network), CPU) == 4
    assert max(network.seen) == 4


def test_a_real_network_finds_one_and_is_left_as_it_was(small_backbone: Backbone) -> None:
    before = {name: value.clone() for name, value in small_backbone.network.state_dict().items()}
    assert 1 <= fastest_batch_size(replace(small_backbone), CPU) <= 512
    assert all(torch.equal(value, before[name]) for name, value in small_backbone.network.state_dict().items())
