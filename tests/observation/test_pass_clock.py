"""The share of a pass that is over when a layer fires, of a network that sleeps for known times."""

import time

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.observation.norms import LayerNorms
from froq_lightning.observation.pass_clock import MOST_PASSES, PassClock


class Sleeper(nn.Module):
    """Sleeps for some milliseconds, and returns its input."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__()
        self.milliseconds = milliseconds
        self.passes = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.passes += 1
        time.sleep(self.milliseconds / 1000)
        return inputs + 1


def costs(network: nn.Module, layers: tuple[str, ...], passes: int = 5) -> list[float]:
    clock = PassClock(len(layers))
    with LayerNorms(network, layers, clock=clock) as norms:
        for _ in range(passes):
            norms.observe(torch.rand(2, 3))
    return clock.costs()


def test_a_layer_costs_the_time_up_to_its_end() -> None:
    network = nn.Sequential(Sleeper(10), Sleeper(30), Sleeper(60))
    assert costs(network, ("2", "0", "1")) == pytest.approx([1.0, 0.1, 0.4], abs=0.03)


def test_a_layer_that_runs_twice_costs_the_time_up_to_its_second_end() -> None:
    shared = Sleeper(20)
    assert costs(nn.Sequential(shared, Sleeper(40), shared, Sleeper(20)), ("0", "1")) == pytest.approx(
        [0.8, 0.6], abs=0.03
    )


def test_a_layer_that_never_fires_costs_nothing() -> None:
    network = nn.Sequential(Sleeper(5), Sleeper(5))
    network.silent = nn.Linear(1, 1)
    network.forward = lambda inputs: network[1](network[0](inputs))  # type: ignore[method-assign]
    assert costs(network, ("silent",)) == [0.0]


def test_the_norms_of_large_outputs_do_not_count() -> None:
    class Wide(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.new_ones(1).expand(len(inputs), 60_000_000)[:, ::2]  # a norm takes long, making it does not

    class Narrow(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs[:, :3]

    network = nn.Sequential(Sleeper(50), Wide(), Narrow(), Sleeper(50))
    assert costs(network, ("0", "1"), passes=2) == pytest.approx([0.5, 0.5], abs=0.05)


def test_the_first_pass_counts_only_if_it_is_the_only_one() -> None:
    class Warming(Sleeper):
        def forward(self, inputs: Tensor) -> Tensor:
            self.milliseconds = 5 if self.passes else 100
            return super().forward(inputs)

    assert costs(nn.Sequential(Warming(0), Sleeper(20)), ("0",), passes=1) == pytest.approx([0.83], abs=0.05)
    assert costs(nn.Sequential(Warming(0), Sleeper(20)), ("0",), passes=4) == pytest.approx([0.2], abs=0.05)


def test_before_any_pass_nothing_costs_anything() -> None:
    assert PassClock(3).costs() == [0.0, 0.0, 0.0]


def test_no_more_passes_are_kept_than_tell_enough() -> None:
    clock = PassClock(1)
    with LayerNorms(nn.Sequential(nn.Identity()), ("0",), clock=clock) as norms:
        for _ in range(MOST_PASSES + 3):
            norms.observe(torch.rand(2, 3))
    assert clock.is_done
    assert len(clock.passes) == MOST_PASSES
