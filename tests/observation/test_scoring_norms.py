"""Scoring sees the norms that calibration saw, in passes that end where they may."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError
from froq_lightning.observation.norms import LayerNorms
from froq_lightning.observation.scoring_norms import CompiledNorms, ScoringNorms


class Repeating(nn.Module):
    """A layer that runs twice, and one behind it that counts its runs."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(4, 4)
        self.behind = nn.Linear(4, 2)
        self.runs = 0
        self.behind.register_forward_hook(self._count)

    def _count(self, *_: object) -> None:
        self.runs += 1

    def forward(self, inputs: Tensor) -> Tensor:
        return self.behind(self.twice(self.twice(inputs)))


def test_a_pass_that_may_stop_early_ends_behind_the_last_layer_once_an_image_has_run_to_the_end() -> None:
    network, inputs = Repeating().eval(), torch.randn(5, 4)
    with LayerNorms(network, ("twice",)) as norms:
        whole = norms.observe(inputs)
    network.runs = 0
    norms = ScoringNorms(network, ("twice",), stop_early=True)
    for batch in (inputs, inputs, inputs[:2]):
        with norms:
            scoring_pass = norms.observe(batch)
        assert network.runs == 1
        assert scoring_pass.output is None
        torch.testing.assert_close(scoring_pass.norms, whole.norms[: len(batch)])
        assert not network.twice._forward_hooks


def test_a_pass_that_breaks_before_its_last_layer_is_no_early_end() -> None:
    network = Repeating().eval()
    norms = ScoringNorms(network, ("twice",), stop_early=True)
    with norms:
        norms.observe(torch.randn(5, 4))
    with norms, pytest.raises(RuntimeError, match="shapes"):
        norms.observe(torch.randn(5, 3))
    assert not network.twice._forward_hooks
    with norms:
        assert norms.observe(torch.randn(3, 4)).output is None


def test_every_layer_of_a_real_network_has_the_norms_of_a_whole_pass_when_the_pass_ends_there(
    mobilefacenet: Backbone, calibration_images: Tensor
) -> None:
    inputs = mobilefacenet.preprocessing(calibration_images[:3])
    with LayerNorms(mobilefacenet.network, mobilefacenet.candidate_layers) as norms:
        whole = norms.observe(inputs)
    for column in whole.order[::15]:
        norms = ScoringNorms(mobilefacenet.network, [mobilefacenet.candidate_layers[column]], stop_early=True)
        for _ in range(2):
            with norms:
                torch.testing.assert_close(norms.observe(inputs).norms[:, 0], whole.norms[:, column])


class Returns(nn.Module):
    """Returns what is made of the inputs."""

    def __init__(self, make: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.make = make

    def forward(self, inputs: Tensor) -> object:
        return self.make(inputs)


ODD: dict[str, Callable[[Tensor], object]] = {
    "plain": lambda x: 2 * x,
    "windows": lambda x: x.reshape(len(x) * 2, -1),
    "strided": lambda x: x.transpose(1, 2),
    "wide": lambda x: x.double(),
    "narrow": lambda x: x.half(),
    "flat": lambda x: x[:, 0, 0, 0],
    "shared": lambda x: x.new_ones(1, 8),
    "scalar": lambda x: x.sum(),
    "empty": lambda x: x[:, :0],
    "whole_numbers": lambda x: x.long(),
    "several": lambda x: (x, x),
}


class Odd(nn.ModuleDict):
    """Layers that return whatever layers may return."""

    def forward(self, inputs: Tensor) -> Tensor:
        for layer in self.values():
            layer(inputs)
        return inputs


@pytest.mark.parametrize("batch", [2, 3])
def test_whatever_layers_return_has_the_norms_that_calibration_sees(batch: int) -> None:
    network, inputs = Odd({name: Returns(make) for name, make in ODD.items()}), torch.randn(batch, 3, 4, 4)
    layers = list(ODD)
    with LayerNorms(network, layers) as norms:
        expected = norms.observe(inputs).norms
    for stop_early in (False, True):
        with ScoringNorms(network, layers, stop_early=stop_early) as norms:
            scored = norms.observe(inputs).norms
        torch.testing.assert_close(scored.clone(), expected, rtol=1e-6, atol=0, equal_nan=True)
    result = dict(zip(layers, expected.isnan().any(dim=0).tolist(), strict=True))
    assert [name for name in layers if result[name]] == ["shared", "scalar", "empty", "whole_numbers", "several"]


LAYERS = ("body.0", "stem.2", "stem")


@pytest.fixture
def _fresh() -> None:
    torch.compiler.reset()


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize(("with_output", "mode"), [(False, "default"), (True, "default"), (True, "reduce-overhead")])
def test_norms_and_output_are_those_of_the_plain_network(
    with_output: bool, mode: str, small_backbone: Backbone, small_images: Tensor
) -> None:
    inputs = small_backbone.inputs(small_images)
    with LayerNorms(small_backbone.network, LAYERS) as norms:
        expected = norms.observe(inputs)
    compiled = CompiledNorms(small_backbone.network, LAYERS, with_output=with_output, mode=mode)
    counters.clear()
    for part in (slice(0, 8), slice(8, 14), slice(1, 9), slice(4, 5)):
        with compiled as norms:
            scoring_pass = norms.observe(inputs[part])
        torch.testing.assert_close(scoring_pass.norms, expected.norms[part], rtol=1e-6, atol=1e-6)
        # Smaller batches do not compile anew.
        assert counters["stats"]["unique_graphs"] == 1
        if with_output:
            torch.testing.assert_close(scoring_pass.output, expected.output[part])
        else:
            assert scoring_pass.output is None
    assert hooks(small_backbone.network) == 0


@pytest.mark.usefixtures("_fresh")
def test_a_larger_batch_compiles_once_more(small_backbone: Backbone, small_images: Tensor) -> None:
    compiled, inputs = CompiledNorms(small_backbone.network, LAYERS), small_backbone.inputs(small_images)
    counters.clear()
    for size in (3, 14, 5, 14):
        with compiled as norms:
            assert len(norms.observe(inputs[:size]).norms) == size
    assert counters["stats"]["unique_graphs"] == 2


@pytest.mark.usefixtures("_fresh")
def test_what_no_layer_needs_is_not_computed(small_backbone: Backbone, small_images: Tensor) -> None:
    compiled, inputs = CompiledNorms(small_backbone.network, LAYERS), small_backbone.inputs(small_images)
    with compiled as norms:
        norms.observe(inputs)
        with torch.profiler.profile() as profile:
            norms.observe(inputs)
    operations = {event.key for event in profile.key_averages()}
    assert any("convolution" in operation for operation in operations)
    assert not any("addmm" in operation or "linear" in operation for operation in operations)


@pytest.mark.usefixtures("_fresh")
def test_a_network_that_cannot_be_compiled_is_refused(small_backbone: Backbone, small_images: Tensor) -> None:
    compiled = CompiledNorms(small_backbone.network, LAYERS)
    without_compiler = torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",), "fx_graph_cache": False})
    message = r"cannot be compiled here: .*InvalidCxxCompiler: .*; leave `compile` off"
    with without_compiler, pytest.raises(ConfigurationError, match=message), compiled as norms:
        norms.observe(small_backbone.inputs(small_images))
    assert hooks(small_backbone.network) == 0
