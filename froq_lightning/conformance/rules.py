"""check_rule(): what the tests of a selection rule call to know that it keeps its contract."""

from collections.abc import Sequence
from typing import get_args

import torch

from froq_lightning.calibration.aggregation import Aggregation
from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules.rule import LayerSet, Rule
from froq_lightning.errors import ExtensionError

PHOTOGRAPHS, COPIES, LAYERS = 60, 2, 12


def check_rule(rule: Rule) -> None:
    """Check that a selection rule keeps its contract, on norms of layers that show quality more or less.

    Checked are: from each pool it chooses some of its layers, each once; weights are finite and not 0; the set utility
    is that of the scores; a choice depends on neither the other pools, nor the order of images, nor chance; the table
    stays as it is.

    Raises:
        ExtensionError: naming what is wrong.
    """
    if rule.aggregation not in get_args(Aggregation) or not isinstance(rule.fold_repeats, bool):
        raise ExtensionError(f"Expected a known `aggregation` and a boolean `fold_repeats`, but got {rule!r:.100}")
    table = synthetic_norms()
    pools = rule.pools(table, range(LAYERS))
    if not pools or any(not pool or not set(pool) <= set(range(LAYERS)) for pool in pools):
        raise ExtensionError(f"Expected `pools` of some of the {LAYERS} columns, but got {pools!r:.100}")
    before = table.norms.clone()
    choices = rule.choose(table, pools)
    if len(choices) != len(pools):
        raise ExtensionError(f"Expected a set for each of {len(pools)} pools, but got {len(choices)}")
    for pool, chosen in zip(pools, choices, strict=True):
        _check_set(rule, table, pool, chosen)
        _require_same(chosen, rule.choose(table, [pool])[0], "the other pools, or on chance")
    order = torch.randperm(len(table.norms), generator=torch.Generator().manual_seed(1))
    for chosen, reordered in zip(choices, rule.choose(table.rows(order), pools), strict=True):
        _require_same(chosen, reordered, "the order of the images")
    if not torch.equal(before, table.norms):
        raise ExtensionError("Expected the norms to stay as they are, but they were changed")


def synthetic_norms() -> LabelledNorms:
    """Norms of 12 layers on 60 photographs and two degraded copies of each; layers show quality more or less."""
    generator = torch.Generator().manual_seed(0)
    images = PHOTOGRAPHS * (1 + COPIES)
    labels = torch.rand(images, generator=generator, dtype=torch.float64)
    noise = torch.rand(images, LAYERS, generator=generator, dtype=torch.float64)
    norms = (1 + noise + torch.linspace(-0.5, 2, LAYERS) * labels[:, None]) * torch.logspace(0, 2, LAYERS)
    originals = torch.arange(images) // (1 + COPIES) * (1 + COPIES)
    utilities = dict(enumerate(spearman(norms, labels).tolist()))
    return LabelledNorms(norms, labels, utilities, groups=originals, originals=originals)


def _check_set(rule: Rule, table: LabelledNorms, pool: Sequence[int], chosen: LayerSet) -> None:
    columns, weights = chosen.columns, chosen.weights
    if not columns or not set(columns) <= set(pool) or len(set(columns)) < len(columns):
        raise ExtensionError(f"Expected some columns of the pool {list(pool)}, each once, but got {list(columns)}")
    if weights.shape != (len(columns),) or not bool(weights.isfinite().all()) or bool((weights == 0).any()):
        raise ExtensionError(f"Expected {len(columns)} weights, finite and not 0, but got {weights.tolist()}")
    if rule.aggregation == "mean_norm" and bool((weights != 1).any()):
        raise ExtensionError(f"Expected weights of 1 with `mean_norm`, which has no others, but got {weights.tolist()}")
    if chosen.trajectory and columns != tuple(column for column, _ in chosen.trajectory)[: len(columns)]:
        raise ExtensionError(f"Expected the trajectory to begin with {list(columns)}, but got {chosen.trajectory}")
    scores = chosen.scores(table.norms, rule.aggregation, table.moments(columns))
    utility = spearman(scores, table.pseudo_quality).item()
    if abs(chosen.utility - utility) > 1e-6:
        raise ExtensionError(f"Expected the set utility to be that of the scores, {utility}, but got {chosen.utility}")


def _require_same(first: LayerSet, second: LayerSet, influence: str) -> None:
    if first.columns != second.columns or not torch.allclose(first.weights, second.weights, rtol=1e-4, atol=1e-8):
        raise ExtensionError(
            f"Expected the chosen layers not to depend on {influence}, but got {first.columns} and {second.columns}"
        )
