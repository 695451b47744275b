"""How much set utility a share of a forward pass buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from froq_lightning.calibration.greedy_search import GreedySearch, LayerSet

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


def _point(found: LayerSet, costs: Mapping[int, float]) -> FrontPoint:
    return FrontPoint(max(costs[column] for column in found.best), found.utility, found.best)


def _thinned(search: GreedySearch) -> GreedySearch:
    step = -(-len(search.norms) // MOST_IMAGES)
    if step == 1:
        return search
    return GreedySearch(search.norms[::step], search.pseudo_quality[::step], search.utilities, search.preset)
