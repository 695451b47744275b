"""LayerNorms beside a plain hook that clones every output and takes its norm afterwards."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.observation.norms import LayerNorms, Observation


class Reused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Conv2d(3, 3, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.shared(self.shared(inputs) * 5)


class Returns(nn.Module):
    """Returns what is made of the inputs."""

    def __init__(self, make: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.make = make

    def forward(self, inputs: Tensor) -> Any:
        return self.make(inputs)


class Several(nn.Module):
    """Children that return a tuple, nothing, integers, and one that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.pair, self.idle = Returns(lambda x: (x, x)), nn.Identity()
        self.nothing, self.whole = Returns(lambda _: None), Returns(lambda x: (x * 9).to(torch.int32))
        self.constant = Returns(lambda x: x.new_ones(1, 4))

    def forward(self, inputs: Tensor) -> Tensor:
        self.nothing(inputs), self.whole(inputs), self.constant(inputs)
        return self.pair(inputs)[0]


class Windows(nn.Module):
    """Splits each image into four windows that become rows of the batch, as window attention does."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.Linear(12, 12)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.flatten(1).reshape(len(inputs) * 4, 12)
        return self.attend(rows).reshape(len(inputs), 48)


def observe(network: nn.Module, inputs: Tensor) -> tuple[Observation, dict[str, int]]:
    names = [name for name, _ in network.named_modules() if name]
    with LayerNorms(network, names) as norms:
        return norms.observe(inputs), {name: column for column, name in enumerate(names)}


def plain_norms(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Clone each tensor of the batch as its hook sees it; take norms one image at a time, in float64."""
    norms: dict[str, Tensor] = {}

    def note(name: str, _module: nn.Module, _args: Any, output: Any) -> None:
        if isinstance(output, Tensor) and len(output) == len(inputs):
            norms[name] = torch.stack([image.double().norm() for image in output.detach().clone()])

    with torch.no_grad(), ExitStack() as hooks:
        for name, module in network.named_modules():
            if name:
                hooks.enter_context(module.register_forward_hook(partial(note, name)))
        network(inputs)
    return norms


def expect_plain_norms(network: nn.Module, inputs: Tensor) -> None:
    observation, column = observe(network, inputs)
    expected = plain_norms(network, inputs)
    assert expected
    for name, norms in expected.items():
        torch.testing.assert_close(
            observation.norms[:, column[name]].double(), norms, rtol=1e-5, atol=1e-12, msg=lambda text, n=name: n + text
        )


@pytest.fixture
def inputs() -> Tensor:
    return torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["mobilefacenet", "edgeface"])
def test_norms_of_a_real_network_are_those_that_plain_hooks_see(
    name: str, request: pytest.FixtureRequest, calibration_images: Tensor
) -> None:
    backbone: Backbone = request.getfixturevalue(name)
    expect_plain_norms(backbone.network, backbone.preprocessing(calibration_images[:3]))


def test_the_networks_own_output_comes_along_unchanged(small_backbone: Backbone, small_images: Tensor) -> None:
    inputs = small_backbone.preprocessing(small_images)
    observation, _ = observe(small_backbone.network, inputs)
    assert torch.equal(observation.output, small_backbone.network(inputs))


def test_an_in_place_relu_does_not_change_the_norm_taken_before_it(inputs: Tensor) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    observation, column = observe(network, inputs)
    with torch.no_grad():
        before = network[0](inputs)
    torch.testing.assert_close(observation.norms[:, column["0"]], before.flatten(1).norm(dim=1))
    torch.testing.assert_close(observation.norms[:, column["1"]], before.relu().flatten(1).norm(dim=1))


@pytest.mark.parametrize(
    "network",
    [Reused(), nn.Sequential(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(inplace=True)), nn.Conv2d(3, 2, 1))],
    ids=["a module that runs twice", "a ReLU in place that ends a Sequential"],
)
def test_norms_are_those_of_the_last_value(network: nn.Module, inputs: Tensor) -> None:
    expect_plain_norms(network.eval(), inputs)


def test_modules_that_return_no_tensor_of_the_batch_are_nan_with_a_reason(inputs: Tensor) -> None:
    observation, column = observe(Several(), inputs)
    assert {name: observation.failures[column[name]] for name in column} == {
        "pair": "returns tuple, not a tensor",
        "nothing": "returns NoneType, not a tensor",
        "whole": "returns int32 values",
        "constant": "returns shape [1, 4] for a batch of 5",
        "idle": "never fired",
    }
    assert observation.norms.isnan().all()
    assert observation.order == tuple(column[name] for name in ("nothing", "whole", "constant", "pair"))


def test_containers_identities_and_views_have_the_norms_of_the_layer_whose_output_they_return(inputs: Tensor) -> None:
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Identity()), nn.Flatten(), nn.Linear(256, 6))
    observation, column = observe(network, inputs)
    for copy in ("0.1", "0", "1"):
        assert torch.equal(observation.norms[:, column[copy]], observation.norms[:, column["0.0"]])


def test_a_slice_is_no_copy_of_the_whole(inputs: Tensor) -> None:
    expect_plain_norms(nn.Sequential(nn.Conv2d(3, 4, 1), Returns(lambda x: x[:, :2])), inputs)


def test_the_same_values_are_no_copy_where_images_do_not_come_first(inputs: Tensor) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 2), Returns(lambda x: x.flatten(2).permute(2, 0, 1)))
    observation, column = observe(network, inputs)
    assert observation.failures == {column["1"]: "returns shape [49, 5, 4] for a batch of 5"}


def test_windows_of_an_image_count_together(inputs: Tensor) -> None:
    network = Windows()
    images = inputs[:, :, :4, :4]
    observation, column = observe(network, images)
    expected = network(images).detach().norm(dim=1)
    torch.testing.assert_close(observation.norms[:, column["attend"]], expected)


def test_inference_mode_around_it_changes_nothing(small_backbone: Backbone, small_images: Tensor) -> None:
    plain, _ = observe(small_backbone.network, small_backbone.preprocessing(small_images))
    with torch.inference_mode():
        inside, _ = observe(small_backbone.network, small_backbone.preprocessing(small_images))
    assert torch.equal(inside.norms, plain.norms)


def test_a_second_batch_starts_from_an_empty_table(small_backbone: Backbone, small_images: Tensor) -> None:
    inputs = small_backbone.preprocessing(small_images)
    with LayerNorms(small_backbone.network, small_backbone.candidate_layers) as norms:
        first = norms.observe(inputs[:4])
        before = first.norms.clone()
        second = norms.observe(inputs[4:9])
    assert torch.equal(first.norms, before)
    assert second.norms.shape[0] == 5
    assert second.norms.isfinite().all()
