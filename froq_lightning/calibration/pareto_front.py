"""The Pareto front of set utility and cost: the sets of layers that no cheaper set equals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules.rule import LayerSet, Rule
from froq_lightning.errors import CalibrationError

# The front of a larger calibration set is drawn from so many of its images.
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


def pareto_front(
    rule: Rule, table: LabelledNorms, columns: Sequence[int], costs: Mapping[int, float]
) -> list[FrontPoint]:
    """Select among the layers up to every depth; return the sets that have more utility than all cheaper ones.

    Args:
        rule: of selection.
        table: of the calibration images.
        columns: that may be chosen.
        costs: of reaching each column.

    Returns:
        Points of rising cost and rising utility.
    """
    thinned = table.thinned(MOST_IMAGES)
    pools = rule.pools(thinned, sorted(columns, key=costs.__getitem__))
    points = [_point(chosen, costs) for chosen in rule.choose(thinned, pools)]
    front: list[FrontPoint] = []
    # From cheap to dear, a set is on the front if it beats the last one there, which is the best of all cheaper sets.
    for point in sorted(points, key=lambda point: (point.cost, -point.utility)):
        if not front or point.utility > front[-1].utility:
            front.append(point)
    return front


def select_within_budget(
    rule: Rule, table: LabelledNorms, columns: Sequence[int], costs: Mapping[int, float], budget: Budget
) -> tuple[LayerSet, list[FrontPoint]]:
    """Find the set of the rule or, under a budget, that of the front; and the front.

    Raises:
        CalibrationError: if costs are not known though there is a budget, or none is within it.
    """
    if not costs and budget != Budget():
        raise CalibrationError("Expected the costs of the layers to be known, since there is a budget")
    front = pareto_front(rule, table, columns, costs) if costs else []
    if budget == Budget():
        return rule.choose(table, [columns])[0], front
    affordable = [point for point in front if point.cost <= budget.max_cost]
    if not affordable:
        cheapest = min(costs[column] for column in columns)
        raise CalibrationError(
            f"no layer can be reached within `max_cost` {budget.max_cost:g} of a forward pass; the cheapest one takes "
            f"{cheapest:.3f}"
        )
    enough = affordable[-1].utility - budget.tolerance
    cheapest_enough = next(point for point in affordable if point.utility >= enough)
    # The front may be of a part of the images: the set is chosen anew on all of them, up to the same depth.
    within = [column for column in columns if costs[column] <= cheapest_enough.cost]
    return rule.choose(table, [within])[0], front


def _point(chosen: LayerSet, costs: Mapping[int, float]) -> FrontPoint:
    return FrontPoint(max(costs[column] for column in chosen.columns), chosen.utility, chosen.columns)
