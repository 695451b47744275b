"""What a page tells of the utility-cost front."""

from collections.abc import Sequence
from dataclasses import dataclass

from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.pareto_front import FrontPoint
from froq_lightning.calibration.selection import Selection

# What a reader might give up of Spearman's rho, and the share of the cost that makes it worth while.
TOLERANCES = (0.01, 0.02, 0.05)
SAVING = 0.1
# So much more of rho is no accident of a front that was drawn from a part of the images.
NOTABLE = 0.001


@dataclass(frozen=True)
class FrontRow:
    """A set of layers on the front.

    Args:
        cost: share of a forward pass.
        utility: set utility.
        layers: number of its layers.
        deepest: the layer that its cost is due to.
        chosen: whether it is the set that is observed.
    """

    cost: float
    utility: float
    layers: int
    deepest: str
    chosen: bool


@dataclass(frozen=True)
class Bargain:
    """What a tolerance would have bought: the cost and the set utility of a cheaper set."""

    tolerance: float
    cost: float
    utility: float


def front_rows(selection: Selection, names: Sequence[str]) -> tuple[FrontRow, ...]:
    """Describe the front, from cheap to dear.

    Args:
        selection: with its front.
        names: of the candidate layers, in the order of the columns.
    """
    return tuple(
        FrontRow(
            point.cost,
            point.utility,
            len(point.columns),
            max((names[column] for column in point.columns), key=selection.costs.__getitem__),
            set(point.columns) == set(selection.columns),
        )
        for point in selection.front
    )


def bargain(observer: Observer, selection: Selection) -> Bargain | None:
    """Find the smallest tolerance that saves a good part of the cost; nothing if a tolerance was set already."""
    cost = selection.cost
    if cost is None or observer.budget.tolerance:
        return None
    for tolerance in TOLERANCES:
        enough = observer.set_utility - tolerance
        for point in selection.front:
            if point.utility >= enough and point.cost <= (1 - SAVING) * cost:
                return Bargain(tolerance, point.cost, point.utility)
    return None


def missed(observer: Observer, selection: Selection) -> FrontPoint | None:
    """Find the best set within the budget if it is better than the chosen one, which a greedy search can miss."""
    within = [point for point in selection.front if point.cost <= observer.budget.max_cost]
    best = max(within, key=lambda point: point.utility, default=None)
    return best if best and best.utility > observer.set_utility + NOTABLE and not observer.budget.tolerance else None
