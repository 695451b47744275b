"""Norms from a compiled network are those of the network as it is."""

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError
from froq_lightning.observation.compiled_norms import CompiledNorms
from froq_lightning.observation.norms import LayerNorms

LAYERS = ("body.0", "stem.2", "stem")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch.compiler.reset()


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


@pytest.mark.parametrize("with_output", [False, True])
def test_norms_and_output_are_those_of_the_plain_network(
    with_output: bool, small_backbone: Backbone, small_images: Tensor
) -> None:
    inputs = small_backbone.inputs(small_images)
    with LayerNorms(small_backbone.network, LAYERS) as norms:
        expected = norms.observe(inputs)
    compiled = CompiledNorms(small_backbone.network, LAYERS, with_output=with_output)
    for part in (slice(0, 8), slice(8, 14)):  # another batch size compiles anew
        with compiled as norms:
            seen = norms.observe(inputs[part])
        torch.testing.assert_close(seen.norms, expected.norms[part])
        if with_output:
            torch.testing.assert_close(seen.output, expected.output[part])
        else:
            assert seen.output is None
    assert hooks(small_backbone.network) == 0


def test_what_no_layer_needs_is_not_computed(small_backbone: Backbone, small_images: Tensor) -> None:
    graphs: list[str] = []

    def keep(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> object:
        del inputs
        graph.graph.eliminate_dead_code()
        graphs.append(graph.print_readable(print_output=False))
        return graph.forward

    compiled = CompiledNorms(small_backbone.network, LAYERS)
    compiled._compiled = torch.compile(compiled._pass, backend=keep)
    with compiled as norms:
        norms.observe(small_backbone.inputs(small_images))
    assert len(graphs) == 1  # the whole pass is one graph
    assert "conv2d" in graphs[0]
    assert "linear(" not in graphs[0]


def test_a_network_that_cannot_be_compiled_is_told(small_backbone: Backbone, small_images: Tensor) -> None:
    compiled = CompiledNorms(small_backbone.network, LAYERS)
    without_compiler = torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",), "fx_graph_cache": False})
    told = r"cannot be compiled here: .*InvalidCxxCompiler: .*; leave `compile` off"
    with without_compiler, pytest.raises(ConfigurationError, match=told), compiled as norms:
        norms.observe(small_backbone.inputs(small_images))
    assert hooks(small_backbone.network) == 0
