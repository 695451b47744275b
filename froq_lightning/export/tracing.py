"""Traces a graph with torch.export, and names the module where that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from froq_lightning.errors import BackboneError, FroqError
from froq_lightning.export.graph import QualityGraph
from froq_lightning.extensions import describe

# An upper limit of the number of images above this one is that of whole numbers.
LIMIT = 2**31


class ModuleWatch:
    """Notes which module runs, and which one first limited the number of images."""

    def __init__(self, network: nn.Module) -> None:
        self._names = {module: name for name, module in network.named_modules()}
        self._running = [network]
        self._batch: Any = None
        self.limiting = ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every module."""
        handles = register_module_forward_pre_hook(self._begin), register_module_forward_hook(self._end)
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def running(self) -> str:
        """Name the module that runs, or that ran when something was raised."""
        module = self._running[-1]
        name = self._names[module]
        return f"{type(module).__name__} {name!r}" if name else type(module).__name__

    def check(self) -> None:
        """Note the module that runs if the number of images is limited now."""
        if not self.limiting and self._batch is not None and _is_limited(self._batch):
            self.limiting = self.running()

    def _begin(self, module: nn.Module, args: Any) -> None:
        if module in self._names:
            if self._batch is None:
                self._batch = args[0].shape[0]
            self.check()
            self._running.append(module)

    def _end(self, module: nn.Module, args: Any, output: Any) -> None:
        del args, output
        if module in self._names:
            self.check()
            self._running.pop()


def _is_limited(batch: Any) -> bool:
    """Whether a symbolic number of images has become a constant, or has got an upper limit."""
    if isinstance(batch, int):
        return True
    return batch.node.maybe_as_int() is not None or batch.node.shape_env.bound_sympy(batch.node.expr).upper < LIMIT


def trace(graph: QualityGraph, size: tuple[int, int]) -> ExportedProgram:
    """Trace a graph of any number of images.

    Args:
        graph: to be traced.
        size: (height, width) of the images.

    Raises:
        BackboneError: if the network cannot be traced, or only for a fixed number of images; names the module.
    """
    watch = ModuleWatch(graph.network)
    # The file keeps the images it was traced with, so these are black, no person's. Two, since a size of 1 stays fixed.
    images = torch.zeros(2, 3, *size, dtype=graph.takes)
    try:
        with graph.norms, watch.watching(), torch.no_grad():
            program = torch.export.export(graph, (images,), dynamic_shapes=({0: Dim("batch")},), strict=False)
            return without_dead_ends(program) if len(graph.outputs) == 2 else program
    except FroqError:
        raise
    except Exception as error:  # whatever a network raises, and torch.export adds
        raise BackboneError(_reason(watch, error)) from error


def _reason(watch: ModuleWatch, error: Exception) -> str:
    watch.check()
    if watch.limiting:
        return (
            f"the network cannot be exported for batches of any size: {watch.limiting} makes the number of images a "
            "constant or limits it, as `len(x)`, `int(x.shape[0])` and comparisons do; have it use `x.shape[0]`"
        )
    if isinstance(error, GuardOnDataDependentSymNode):
        reason = "takes another course by the values that it computes"
    else:
        reason = f"raises {describe(error)}"
    return f"the network cannot be exported: {watch.running()} {reason}"


def without_dead_ends(program: ExportedProgram) -> ExportedProgram:
    """Leave out what no output depends on, weights included."""
    functional = program.run_decompositions({})  # writes in place, which cannot be left out, become values
    signature, graph = functional.graph_signature, functional.graph_module.graph
    graph.eliminate_dead_code()
    unused = {node.name for node in graph.nodes if node.op == "placeholder" and not node.users}
    specs = {spec.arg.name: spec for spec in signature.input_specs}
    for node in list(graph.nodes):
        if node.name in unused:
            graph.erase_node(node)
            functional.state_dict.pop(str(specs[node.name].target), None)
            functional.constants.pop(str(specs[node.name].target), None)
    signature.input_specs = [spec for name, spec in specs.items() if name not in unused]
    functional.graph_module.recompile()
    for symbol in functional.range_constraints.keys() - program.range_constraints.keys():
        del functional.range_constraints[symbol]  # of sizes that decompositions were tried on
    return functional
