"""How much set utility a share of a forward pass buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.greedy_search import GreedySearch, LayerSet
from froq_lightning.errors import CalibrationError

# The front of a larger calibration set is drawn from so many of its images, evenly spaced.
MOST_IMAGES = 10_000


@dataclass(frozen=True)
class FrontPoint:
    """A set of layers that no cheaper one equals.

    Args:
        cost: share of a forward pass, 0..1, that reaching its deepest layer takes.
        utility: its set utility.
        columns: of its layers.
    """

    cost: float
    utility: float
    columns: tuple[int, ...]


def utility_cost_front(search: GreedySearch, columns: Sequence[int], costs: Mapping[int, float]) -> list[FrontPoint]:
    """Search among the layers up to every depth; return the sets that have more utility than all cheaper ones.

    Args:
        search: of the calibration images.
        columns: that may be chosen.
        costs: of reaching each column.

    Returns:
        Points of rising cost and rising utility.
    """
    thinned = _thinned(search)
    within = sorted(columns, key=costs.__getitem__)
    pools = dict.fromkeys(search.pool(within[: count + 1]) for count in range(len(within)))
    found = [_point(grown, costs) for grown in thinned.grow(*pools)]
    front: list[FrontPoint] = []
    for point in sorted(found, key=lambda point: (point.cost, -point.utility)):
        if not front or point.utility > front[-1].utility:
            front.append(point)
    return front


def search_within(
    search: GreedySearch, columns: Sequence[int], costs: Mapping[int, float], budget: Budget
) -> tuple[LayerSet, list[FrontPoint]]:
    """Find the set of the rule or, under a budget, that of the front; and the front.

    Raises:
        CalibrationError: if costs are not known though there is a budget, or none is within it.
    """
    if not costs and budget != Budget():
        raise CalibrationError("Expected the costs of the layers to be known, since there is a budget")
    if not costs:
        return search.grow(search.pool(columns))[0], []
    front = utility_cost_front(search, columns, costs)
    if budget == Budget():
        return search.grow(search.pool(columns))[0], front
    affordable = [point for point in front if point.cost <= budget.max_cost]
    if not affordable:
        cheapest = min(costs[column] for column in columns)
        raise CalibrationError(
            f"no layer can be reached within `max_cost` {budget.max_cost:g} of a forward pass; the cheapest one takes "
            f"{cheapest:.3f}"
        )
    enough = affordable[-1].utility - budget.tolerance
    cheapest_enough = next(point for point in affordable if point.utility >= enough)
    return search.grow(cheapest_enough.columns)[0], front


def _point(found: LayerSet, costs: Mapping[int, float]) -> FrontPoint:
    return FrontPoint(max(costs[column] for column in found.best), found.utility, found.best)


def _thinned(search: GreedySearch) -> GreedySearch:
    step = -(-len(search.norms) // MOST_IMAGES)
    if step == 1:
        return search
    return GreedySearch(search.norms[::step], search.pseudo_quality[::step], search.utilities, search.preset)
