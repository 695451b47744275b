"""A dry run of the candidate layers: when each fires, what it returns, and what it costs to reach it."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from froq_lightning.backbones.spec import Backbone
from froq_lightning.observation.independence import dependent_layers
from froq_lightning.observation.norms import LayerNorms

# Two layers whose norms differ by less on every image are one layer: only rounding tells them apart.
SAME = 1e-6


@dataclass(frozen=True)
class Layer:
    """One candidate layer in a dry run.

    Args:
        name: dotted module name.
        kind: class of the module.
        shape: of its output for one image, without the batch; empty if it has none.
        cost: share of the network's floating-point operations spent when it has fired, 0..1.
        repeats: name of the first layer in execution order with the same norms; empty if it is the first.
        reason: why it cannot be observed; empty if it can.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    cost: float = 0.0
    repeats: str = ""
    reason: str = ""


def survey_layers(backbone: Backbone) -> tuple[Layer, ...]:
    """Run the network once on noise and report its candidate layers in execution order, those that never fire last."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, *backbone.preprocessing.size, generator=generator)
    names = backbone.candidate_layers
    shapes: dict[int, tuple[int, ...]] = {}
    spent: dict[int, int] = {}
    modules = [backbone.network.get_submodule(name) for name in names]

    def note(column: int, _module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        spent[column] = counter.get_total_flops()
        if isinstance(output, Tensor):
            shapes[column] = tuple(output.shape[1:])

    with FlopCounterMode(display=False) as counter, ExitStack() as hooks:
        for column, module in enumerate(modules):
            hooks.enter_context(module.register_forward_hook(partial(note, column)))
        with LayerNorms(backbone.network, names) as norms:
            observation = norms.observe(backbone.inputs(images))
    total = max(counter.get_total_flops(), 1)
    reasons = dependent_layers(backbone, names)
    repeats = repeated_columns(observation.norms, observation.order)
    silent = [column for column in range(len(names)) if column not in shapes and column not in observation.order]
    return tuple(
        Layer(
            name=names[column],
            kind=type(modules[column]).__name__,
            shape=shapes.get(column, ()),
            cost=spent.get(column, 0) / total,
            repeats=names[repeats[column]] if column in repeats else "",
            reason=observation.failures.get(column) or reasons.get(names[column], ""),
        )
        for column in (*observation.order, *silent)
    )


def repeated_columns(norms: Tensor, order: Sequence[int]) -> dict[int, int]:
    """Find the columns that repeat an earlier one on every image.

    Args:
        norms: `[N, L]` layer norms.
        order: columns in execution order; only these are compared.

    Returns:
        For each repeating column the column that came first in execution order.
    """
    finite = (norms.amax(dim=0).isfinite() & norms.amin(dim=0).isfinite()).tolist()
    # One column at a time: a table of a million images has no room for a copy.
    means = [float(column.mean(dtype=torch.float64)) for column in norms.T]
    place = {column: position for position, column in enumerate(order)}
    groups: list[list[int]] = []
    for column in sorted((column for column in order if finite[column]), key=means.__getitem__):
        # Equal norms have equal means: among columns sorted by mean, only the nearest few need a comparison.
        near = (each for each in reversed(groups[-8:]) if means[column] - means[each[0]] <= 2 * SAME * means[column])
        group = next((each for each in near if _same(norms[:, each[0]], norms[:, column])), None)
        if group is None:
            groups.append([column])
        else:
            group.append(column)
    first = {column: min(group, key=place.__getitem__) for group in groups for column in group}
    return {column: origin for column, origin in first.items() if origin != column}


def _same(first: Tensor, second: Tensor) -> bool:
    return bool(((first - second).abs() <= SAME * first.abs().maximum(second.abs())).all())
