"""What a page tells of a candidate layer."""

from dataclasses import dataclass

from torch import nn

from froq_lightning.calibration.selection import Selection


@dataclass(frozen=True)
class LayerRow:
    """A candidate layer after calibration.

    Args:
        position: in execution order, from 1.
        name: dotted module name.
        kind: class of the module; empty if that is not known.
        utility: Spearman's rho of its norms with the pseudo-quality; None if it was left out.
        cost: share of a forward pass that reaching it takes; None if that is not known.
        repeats: the first layer with the same norms; empty if there is none.
        reason: why it was left out; empty if it was not.
        number: in the greedy search, or else in the order of the choice, from 1; 0 if it did not come to it.
        chosen: whether it is observed.
    """

    position: int
    name: str
    kind: str
    utility: float | None
    cost: float | None
    repeats: str
    reason: str
    number: int
    chosen: bool


def layer_rows(selection: Selection, network: nn.Module) -> tuple[LayerRow, ...]:
    """Describe all candidate layers of a network, in execution order."""
    modules = dict(network.named_modules())
    came = [step.layer for step in selection.trajectory] or selection.layers
    numbers = {name: number for number, name in enumerate(came, 1)}
    return tuple(
        LayerRow(
            position=position,
            name=layer.name,
            kind=type(modules[layer.name]).__name__ if layer.name in modules else "",
            utility=layer.utility,
            cost=selection.costs.get(layer.name),
            repeats=layer.repeats,
            reason=layer.reason,
            number=numbers.get(layer.name, 0),
            chosen=layer.name in selection.layers,
        )
        for position, layer in enumerate(selection.candidates, 1)
    )
