"""Which layers to observe: rank them by layer utility, then grow the set greedily (FROQ, IJCB 2025, section 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from froq_lightning.calibration.aggregation import Aggregation, aggregate
from froq_lightning.calibration.correlation import spearman
from froq_lightning.errors import CalibrationError
from froq_lightning.observation.layers import repeated_columns

PresetName = Literal["paper", "distinct"]
MINIMUM_IMAGES = 10
# A layer whose norms vary by less, relative to their mean, says the same of every image.
CONSTANT = 1e-6


@dataclass(frozen=True)
class Preset:
    """A rule of selection.

    Args:
        pool: number of layers of highest utility that the greedy search draws from.
        fold_repeats: whether of layers with the same norms only the first in execution order is a candidate. If not,
            each copy adds the weight of one more layer, as in the published code.
        aggregation: how the norms of a set become a score.
    """

    pool: int
    fold_repeats: bool
    aggregation: Aggregation


PRESETS: dict[str, Preset] = {
    "paper": Preset(pool=10, fold_repeats=False, aggregation="mean_norm"),
    "distinct": Preset(pool=10, fold_repeats=True, aggregation="mean_standardised_norm"),
}
if set(PRESETS) != set(get_args(PresetName)):
    raise AssertionError(PRESETS)


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
    """

    candidates: tuple[LayerUtility, ...]
    trajectory: tuple[Step, ...]
    columns: tuple[int, ...]
    means: Tensor
    stds: Tensor
    scores: Tensor


def select_layers(
    norms: Tensor,
    pseudo_quality: Tensor,
    names: Sequence[str],
    preset: Preset,
    order: Sequence[int] | None = None,
    failures: Mapping[int, str] | None = None,
) -> Selection:
    """Choose the layers whose aggregated norms rank the calibration images as their pseudo-quality does.

    Args:
        norms: `[N, L]` layer norms of the calibration images.
        pseudo_quality: `[N]` labels, higher is better.
        names: of the L layers.
        preset: rule of selection.
        order: columns in execution order, if it is not the order of the columns.
        failures: columns that cannot be observed, and why.

    Raises:
        CalibrationError: for fewer than 10 images, constant labels, or if no layer can be used.
    """
    _require_usable(norms, pseudo_quality)
    failures = failures or {}
    order = range(len(names)) if order is None else order
    repeats = repeated_columns(norms, order)
    reasons = {column: failures.get(column) or _useless(norms[:, column]) for column in range(len(names))}
    usable = [column for column in order if not reasons[column]]
    if not usable:
        raise CalibrationError(f"none of the {len(names)} candidate layers can be used; the first {reasons[0]}")
    utilities = dict(zip(usable, spearman(norms[:, usable], pseudo_quality).tolist(), strict=True))
    pool = [column for column in usable if not (preset.fold_repeats and column in repeats)]
    pool = sorted(pool, key=lambda column: -utilities[column])[: preset.pool]
    means, stds = norms.double().mean(dim=0), norms.double().std(dim=0, correction=0)
    chosen, correlations = _grow(norms, pseudo_quality, pool, preset.aggregation, means, stds)
    best = chosen[: correlations.index(max(correlations)) + 1]
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
        trajectory=tuple(Step(names[column], rho) for column, rho in zip(chosen, correlations, strict=True)),
        columns=tuple(best),
        means=means[best],
        stds=stds[best],
        scores=aggregate(norms[:, best], preset.aggregation, means[best], stds[best]),
    )


def _grow(
    norms: Tensor, pseudo_quality: Tensor, pool: list[int], rule: Aggregation, means: Tensor, stds: Tensor
) -> tuple[list[int], list[float]]:
    """Start with the best layer; add, one at a time, the one that makes the set's score rank best."""
    parts = {column: aggregate(norms[:, [column]], rule, means[[column]], stds[[column]]) for column in pool}
    chosen: list[int] = []
    correlations: list[float] = []
    total = torch.zeros(len(norms), dtype=torch.float64)
    while len(chosen) < len(pool):
        left = [column for column in pool if column not in chosen]
        sets = torch.stack([total + parts[column] for column in left], dim=1) / (len(chosen) + 1)
        rhos = spearman(sets, pseudo_quality).nan_to_num(-1.0).tolist()
        best = rhos.index(max(rhos)) if chosen else 0
        chosen.append(left[best])
        correlations.append(rhos[best])
        total += parts[left[best]]
    return chosen, correlations


def _useless(column: Tensor) -> str:
    if not bool(torch.isfinite(column).all()):
        return "has a norm that is not finite"
    wide = column.double()
    if float(wide.max() - wide.min()) <= CONSTANT * float(wide.abs().max()):
        return "has the same norm for every image"
    return ""


def _require_usable(norms: Tensor, pseudo_quality: Tensor) -> None:
    if len(norms) != len(pseudo_quality):
        raise CalibrationError(f"Expected one label per image, but got {len(pseudo_quality)} for {len(norms)}")
    if len(norms) < MINIMUM_IMAGES:
        raise CalibrationError(f"Expected at least {MINIMUM_IMAGES} usable calibration images, but got {len(norms)}")
    if not bool(torch.isfinite(pseudo_quality).all()):
        raise CalibrationError("Expected finite pseudo-quality labels, but got NaN or infinite ones")
    if float(pseudo_quality.max()) == float(pseudo_quality.min()):
        raise CalibrationError("all calibration images have the same pseudo-quality; there is nothing to rank by")
