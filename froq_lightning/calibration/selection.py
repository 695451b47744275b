"""The selection of layers: their utilities (FROQ, IJCB 2025, section 3), a rule that chooses, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.cross_validation import cross_validate
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.pareto_front import FrontPoint, select_within_budget
from froq_lightning.calibration.rules.rule import Rule
from froq_lightning.calibration.set_utility import SetUtility, Verdict
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
        trajectory: the greedy search, the best single layer first; the selected layers are its first ones. Empty under
            a rule that does not search greedily.
        layers: names of the selected layers, in the order in which they were chosen.
        columns: of these layers in the table.
        means: `[K]` mean norm of each selected layer over the calibration set.
        stds: `[K]` its standard deviation (over N).
        weights: `[K]` float64, of each selected layer in the score; 1 where all weigh alike.
        aggregation: how the norms of these layers become a score.
        scores: `[N]` of the calibration images.
        in_sample: Spearman's rho of these scores with the pseudo-quality.
        costs: by layer, the share of a forward pass that reaching it takes; empty if that is not known.
        front: the Pareto front of utility and cost, from cheap to dear; empty if costs are not known.
        cross_validated: set utility on images that the layers were not chosen on.
    """

    candidates: tuple[LayerUtility, ...]
    trajectory: tuple[Step, ...]
    layers: tuple[str, ...]
    columns: tuple[int, ...]
    means: Tensor
    stds: Tensor
    weights: Tensor
    aggregation: Aggregation
    scores: Tensor
    in_sample: float
    costs: Mapping[str, float]
    front: tuple[FrontPoint, ...]
    cross_validated: SetUtility

    @property
    def cost(self) -> float | None:
        """Share of a forward pass that reaching the deepest selected layer takes, if that is known."""
        return max(self.costs[name] for name in self.layers) if self.costs else None

    @property
    def set_utility(self) -> SetUtility:
        """Of the selected layers, over the very images that they were chosen on."""
        return SetUtility(self.in_sample, len(self.scores))

    @property
    def verdict(self) -> Verdict:
        """The verdict on images that the layers were not chosen on."""
        return self.cross_validated.verdict


def select_layers(  # noqa: PLR0913, PLR0917 - what a calibration knows
    norms: Tensor,
    pseudo_quality: Tensor,
    names: Sequence[str],
    rule: Rule,
    order: Sequence[int] | None = None,
    failures: Mapping[int, str] | None = None,
    costs: Sequence[float] = (),
    budget: Budget = Budget(),  # noqa: B008 - immutable
    groups: Tensor | None = None,
    originals: Tensor | None = None,
) -> Selection:
    """Choose the layers whose aggregated norms rank the calibration images as their pseudo-quality does.

    Args:
        norms: `[N, L]` layer norms of the calibration images.
        pseudo_quality: `[N]` labels, higher is better.
        names: of the L layers.
        rule: of selection.
        order: columns in execution order, if it is not the order of the columns.
        failures: columns that cannot be observed, and why.
        costs: of reaching each of the L layers, as shares of a forward pass, if they are known.
        budget: limits to the cost of the selected layers.
        groups: `[N]` int64, equal for images that cross-validation keeps together, such as those of one subject.
        originals: `[N]` int64, equal for an image and its degraded copies.

    Raises:
        CalibrationError: for fewer than 10 images, constant labels, or if no layer can be used within the budget.
    """
    originals = torch.arange(len(norms), device=norms.device) if originals is None else originals
    _require_usable(norms, pseudo_quality, groups, originals)
    order, failures = range(len(names)) if order is None else order, failures or {}
    reasons = [failures.get(column) or reason for column, reason in enumerate(_useless(norms))]
    if all(reasons[column] for column in order):
        raise CalibrationError(f"none of the {len(names)} candidate layers can be used; the first {reasons[0]}")
    repeats = {column: names[first] for column, first in repeated_columns(norms, order).items()}
    rhos = spearman(norms, pseudo_quality).tolist()
    utilities = {column: rhos[column] for column in order if not reasons[column]}
    groups = originals if groups is None or len(groups.unique()) == 1 else groups
    table = LabelledNorms(norms, pseudo_quality, utilities, groups, originals)
    columns = [column for column in utilities if not (rule.fold_repeats and column in repeats)]
    by_column = dict(enumerate(costs))
    chosen, front = select_within_budget(rule, table, columns, by_column, budget)
    means, stds = table.moments(chosen.columns)
    silent = sorted(set(range(len(names))) - set(order))
    return Selection(
        candidates=tuple(
            LayerUtility(names[each], utilities.get(each), repeats.get(each, ""), reasons[each])
            for each in (*order, *silent)
        ),
        trajectory=tuple(Step(names[column], rho) for column, rho in chosen.trajectory),
        layers=tuple(names[column] for column in chosen.columns),
        columns=chosen.columns,
        means=means,
        stds=stds,
        weights=chosen.weights,
        aggregation=rule.aggregation,
        scores=chosen.scores(norms, rule.aggregation, (means, stds)),
        in_sample=chosen.utility,
        costs={names[column]: costs[column] for column in utilities} if costs else {},
        front=tuple(front),
        cross_validated=cross_validate(rule, table, columns, by_column, budget),
    )


def _useless(norms: Tensor) -> list[str]:
    """Say of each column why it cannot rank images; empty where it can."""
    highest, lowest = norms.amax(dim=0).double(), norms.amin(dim=0).double()
    finite = highest.isfinite() & lowest.isfinite()
    constant = highest - lowest <= CONSTANT * highest.abs().maximum(lowest.abs())
    return [
        "has the same norm for every image" if same and usable else "" if usable else "has a norm that is not finite"
        for same, usable in zip(constant.tolist(), finite.tolist(), strict=True)
    ]


def _require_usable(norms: Tensor, pseudo_quality: Tensor, groups: Tensor | None, originals: Tensor) -> None:
    if len(norms) != len(pseudo_quality):
        raise CalibrationError(f"Expected one label per image, but got {len(pseudo_quality)} for {len(norms)}")
    if groups is not None and groups.shape != norms.shape[:1]:
        raise CalibrationError(f"Expected one group per image, but got {len(groups)} for {len(norms)}")
    if (count := len(originals.unique())) < MINIMUM_IMAGES:
        raise CalibrationError(f"Expected at least {MINIMUM_IMAGES} usable calibration images, but got {count}")
    if not bool(torch.isfinite(pseudo_quality).all()):
        raise CalibrationError("Expected finite pseudo-quality labels, but got NaN or infinite ones")
    if float(pseudo_quality.max()) == float(pseudo_quality.min()):
        raise CalibrationError("all calibration images have the same pseudo-quality; there is nothing to rank by")
