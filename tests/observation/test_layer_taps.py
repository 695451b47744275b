"""LayerTaps sees what forward hooks see, and leaves the network as it was."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.observation.layer_taps import LayerTaps

Outputs = list[tuple[int, Any]]


def taps(network: nn.Module, layers: Sequence[str]) -> tuple[LayerTaps, Outputs]:
    outputs: Outputs = []
    return LayerTaps(network, layers, lambda column, output: outputs.append((column, output))), outputs


def state(network: nn.Module) -> list[tuple[object, int]]:
    """What a tap could leave behind."""
    return [(vars(module).get("forward"), len(module._forward_hooks)) for module in network.modules()]


def hooked(network: nn.Module, layers: Sequence[str], inputs: Tensor) -> Outputs:
    """What forward hooks see."""
    outputs: Outputs = []
    handles = [
        network.get_submodule(name).register_forward_hook(lambda _m, _a, output, c=column: outputs.append((c, output)))
        for column, name in enumerate(layers)
    ]
    network(inputs)
    for handle in handles:
        handle.remove()
    return outputs


@pytest.mark.parametrize("layers", [("0", "0"), ("0", "1"), ("1", "0", "2.0")], ids=["named", "shared", "nested"])
def test_a_module_may_be_tapped_several_times(layers: tuple[str, ...]) -> None:
    shared = nn.Linear(3, 3)
    network, inputs = nn.Sequential(shared, shared, nn.Sequential(shared)), torch.randn(2, 3)
    before = state(network)
    tap, outputs = taps(network, layers)
    for _ in range(2):
        with tap:
            network(inputs)
        assert state(network) == before
    expected = hooked(network, layers, inputs)
    assert [column for column, _ in outputs] == 2 * [column for column, _ in expected]


def test_blocks_may_be_nested() -> None:
    network, inputs = nn.Sequential(nn.ReLU()), torch.randn(2, 3)
    before = state(network)
    (outer, first), (inner, second) = taps(network, ("0",)), taps(network, ("0",))
    with outer, inner:
        network(inputs)
    assert len(first) == len(second) == 1
    assert state(network) == before


def test_threads_take_turns_on_a_network() -> None:
    network = nn.Sequential(*(nn.Linear(4, 4) for _ in range(6)))
    inputs, before = [torch.full((1, 4), float(number)) for number in range(24)], state(network)

    def observe(number: int) -> list[Any]:
        tap, outputs = taps(network, [str(layer) for layer in range(1 + number % 6)])
        with tap:
            network(inputs[number])
        return [output for _, output in outputs]

    with ThreadPoolExecutor(8) as threads:
        observed = list(threads.map(observe, range(24)))
    for number, outputs in enumerate(observed):
        assert len(outputs) == 1 + number % 6
        assert torch.equal(outputs[-1], network[: len(outputs)](inputs[number]))
    assert state(network) == before


def test_a_network_that_breaks_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.ReLU(), nn.Linear(4, 4))
    before = state(network)
    tap, outputs = taps(network, ("0", "1"))
    with pytest.raises(RuntimeError, match="shapes"), tap:
        network(torch.randn(2, 3))
    assert [column for column, _ in outputs] == [0]
    assert state(network) == before


def double(network: nn.Module) -> None:
    network[0].register_forward_hook(lambda _m, _a, output: output * 2)


def add_one(network: nn.Module) -> None:
    network[0].forward = lambda inputs: inputs + 1


@pytest.mark.parametrize("change", [double, add_one], ids=["a hook of another", "a forward of its own"])
def test_what_others_made_of_a_layer_is_what_counts_and_stays(change: Callable[[nn.Module], None]) -> None:
    network = nn.Sequential(nn.Identity())
    change(network)
    before = state(network)
    tap, outputs = taps(network, ("0",))
    with tap:
        network(torch.ones(1, 1))
    assert outputs[0][1].item() == 2
    assert state(network) == before


def test_a_layer_whose_forward_is_called_directly_is_seen() -> None:
    class Direct(nn.Sequential):
        def forward(self, inputs: Tensor) -> Tensor:
            return self[0].forward(inputs)

    network, inputs = Direct(nn.Linear(3, 2)), torch.randn(2, 3)
    tap, outputs = taps(network, ("0",))
    with tap:
        output = network(inputs)
    assert outputs[0][1] is output


def test_the_parts_of_a_transformer_that_runs_as_one_are_seen() -> None:
    """Without hooks, PyTorch runs the whole layer at once in eval mode, and calls none of its parts."""
    network = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Linear(8, 2)).eval()
    layers, inputs = ("0.linear1", "0.norm2", "0", "1"), torch.randn(2, 5, 8)
    before = state(network)
    tap, outputs = taps(network, layers)
    with torch.no_grad():
        expected = hooked(network, layers, inputs)
        with tap:
            network(inputs)
    assert [column for column, _ in outputs] == [column for column, _ in expected] == [0, 1, 2, 3]
    assert state(network) == before


def test_an_unknown_layer_is_refused_before_anything_runs() -> None:
    with pytest.raises(AttributeError, match="missing"):
        taps(nn.Sequential(nn.ReLU()), ("missing",))
