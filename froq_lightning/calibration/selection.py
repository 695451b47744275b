"""Which layers to observe: rank them by layer utility, then grow the set greedily (FROQ, IJCB 2025, section 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.front import FrontPoint, utility_cost_front
from froq_lightning.calibration.greedy_search import GreedySearch, LayerSet
from froq_lightning.calibration.preset import Preset
from froq_lightning.errors import CalibrationError
from froq_lightning.observation.layers import repeated_columns

MINIMUM_IMAGES = 10
# A layer whose norms vary by less, relative to their mean, says the same of every image.
CONSTANT = 1e-6


@dataclass(frozen=True)
class LayerUtility:
    """One candidate layer after calibration.

    Args:
        name: dotted module name.
        utility: Spearman's rho of its norms with the pseudo-quality, -1..1; None if it was left out.
        repeats: the first layer in execution order with the same norms, empty if there is none.
        reason: why the layer was left out; empty if it was not.
    """

    name: str
    utility: float | None
    repeats: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Step:
    """One step of the greedy search: the layer that was added, and rho of the set up to it."""

    layer: str
    set_utility: float


@dataclass(frozen=True)
class Selection:
    """The outcome of a calibration.

    Args:
        candidates: every candidate layer, in execution order; those that never fired last.
        trajectory: the greedy search, the best single layer first.
        columns: of the selected layers in the table, in the order of the trajectory.
        means: `[K]` mean norm of each selected layer over the calibration set.
        stds: `[K]` its standard deviation (over N).
        scores: `[N]` of the calibration images.
        costs: by layer, the share of a forward pass that reaching it takes; empty if that is not known.
        front: what sets of layers a share of a pass buys, from cheap to dear; empty if that is not known.
    """

    candidates: tuple[LayerUtility, ...]
    trajectory: tuple[Step, ...]
    columns: tuple[int, ...]
    means: Tensor
    stds: Tensor
    scores: Tensor
    costs: Mapping[str, float]
    front: tuple[FrontPoint, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the selected layers, in the order of the trajectory."""
        return tuple(step.layer for step in self.trajectory[: len(self.columns)])

    @property
    def cost(self) -> float | None:
        """Share of a forward pass that reaching the deepest selected layer takes, if that is known."""
        return max(self.costs[name] for name in self.layers) if self.costs else None


def select_layers(
    norms: Tensor,
    pseudo_quality: Tensor,
    names: Sequence[str],
    preset: Preset,
    order: Sequence[int] | None = None,
    failures: Mapping[int, str] | None = None,
    costs: Sequence[float] = (),
    budget: Budget = Budget(),  # noqa: B008 - immutable
) -> Selection:
    """Choose the layers whose aggregated norms rank the calibration images as their pseudo-quality does.

    Args:
        norms: `[N, L]` layer norms of the calibration images.
        pseudo_quality: `[N]` labels, higher is better.
        names: of the L layers.
        preset: rule of selection.
        order: columns in execution order, if it is not the order of the columns.
        failures: columns that cannot be observed, and why.
        costs: of reaching each of the L layers, as shares of a forward pass, if they are known.
        budget: limits to the cost of the selected layers.

    Raises:
        CalibrationError: for fewer than 10 images, constant labels, or if no layer can be used within the budget.
    """
    _require_usable(norms, pseudo_quality)
    failures = failures or {}
    order = range(len(names)) if order is None else order
    repeats = repeated_columns(norms, order)
    reasons = {column: failures.get(column) or reason for column, reason in enumerate(_useless(norms))}
    usable = [column for column in order if not reasons[column]]
    if not usable:
        raise CalibrationError(f"none of the {len(names)} candidate layers can be used; the first {reasons[0]}")
    rhos = spearman(norms, pseudo_quality).tolist()
    utilities = {column: rhos[column] for column in usable}
    search = GreedySearch(norms, pseudo_quality, utilities, preset)
    columns = [column for column in usable if not (preset.fold_repeats and column in repeats)]
    found, front = _search(search, columns, dict(enumerate(costs)), budget)
    means, stds = search.moments(found.best)
    silent = [column for column in range(len(names)) if column not in set(order)]
    return Selection(
        candidates=tuple(
            LayerUtility(
                names[column],
                utilities.get(column),
                repeats=names[repeats[column]] if column in repeats else "",
                reason=reasons[column],
            )
            for column in (*order, *silent)
        ),
        trajectory=tuple(Step(names[column], rho) for column, rho in zip(found.columns, found.utilities, strict=True)),
        columns=found.best,
        means=means,
        stds=stds,
        scores=search.scores(found.best),
        costs={names[column]: costs[column] for column in usable} if costs else {},
        front=tuple(front),
    )


def _search(
    search: GreedySearch, columns: Sequence[int], costs: Mapping[int, float], budget: Budget
) -> tuple[LayerSet, list[FrontPoint]]:
    """Find the set of the rule or, under a budget, that of the front; and the front."""
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


def _useless(norms: Tensor) -> list[str]:
    """Say of each column why it tells nothing; empty where it does."""
    highest, lowest = norms.amax(dim=0).double(), norms.amin(dim=0).double()
    finite = highest.isfinite() & lowest.isfinite()
    constant = highest - lowest <= CONSTANT * highest.abs().maximum(lowest.abs())
    return [
        "has the same norm for every image" if same and usable else "" if usable else "has a norm that is not finite"
        for same, usable in zip(constant.tolist(), finite.tolist(), strict=True)
    ]


def _require_usable(norms: Tensor, pseudo_quality: Tensor) -> None:
    if len(norms) != len(pseudo_quality):
        raise CalibrationError(f"Expected one label per image, but got {len(pseudo_quality)} for {len(norms)}")
    if len(norms) < MINIMUM_IMAGES:
        raise CalibrationError(f"Expected at least {MINIMUM_IMAGES} usable calibration images, but got {len(norms)}")
    if not bool(torch.isfinite(pseudo_quality).all()):
        raise CalibrationError("Expected finite pseudo-quality labels, but got NaN or infinite ones")
    if float(pseudo_quality.max()) == float(pseudo_quality.min()):
        raise CalibrationError("all calibration images have the same pseudo-quality; there is nothing to rank by")
