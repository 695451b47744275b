"""Every built-in rule keeps its contract, and the check notices each way to break it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch

from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.rules.rule import LayerSet, Rule
from froq_lightning.conformance import check_rule
from froq_lightning.errors import ExtensionError
from froq_lightning.extensions import RULES, discover

NAMES = [name for name, rule in discover(RULES).plugins.items() if rule.distribution == "froq-lightning"]


@pytest.mark.parametrize("name", NAMES)
def test_built_in_rules_keep_the_contract(name: str) -> None:
    check_rule(create_rule(name))


@dataclass(frozen=True, kw_only=True)
class BestLayer(Rule):
    """Selects the layer of highest utility, or what `spoil` makes of that."""

    spoil: Callable[[LayerSet, LabelledNorms], LayerSet] = lambda chosen, _: chosen

    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        best = [max(pool, key=table.utilities.__getitem__) for pool in pools]
        return [self.spoil(self.layer_set(table, [column]), table) for column in best]


class NoPools(BestLayer):
    def pools(self, table: LabelledNorms, columns: Sequence[int]) -> list[tuple[int, ...]]:
        del table, columns
        return [()]


class FewSets(BestLayer):
    def choose(self, table: LabelledNorms, pools: Sequence[Sequence[int]]) -> list[LayerSet]:
        return super().choose(table, pools)[:1]


def overwriting(chosen: LayerSet, table: LabelledNorms) -> LayerSet:
    table.norms[0, 0] += 1
    return chosen


def by_first_image(chosen: LayerSet, table: LabelledNorms) -> LayerSet:
    weight = table.pseudo_quality[:1]
    return replace(chosen, weights=1 + weight)


def test_the_smallest_rule_keeps_the_contract() -> None:
    check_rule(BestLayer())


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (BestLayer(aggregation="median"), "Expected a known `aggregation`"),  # type: ignore[arg-type]
        (NoPools(), r"Expected `pools` of some of the 12 columns, but got \[\(\)\]"),
        (FewSets(), "Expected a set for each of 12 pools, but got 1"),
        (BestLayer(spoil=lambda chosen, _: replace(chosen, columns=(11,))), r"some columns of the pool \[0\]"),
        (BestLayer(spoil=lambda chosen, _: replace(chosen, weights=torch.zeros(1))), "finite and not 0"),
        (BestLayer(spoil=lambda chosen, _: replace(chosen, weights=torch.ones(2))), "Expected 1 weights"),
        (BestLayer(spoil=lambda chosen, _: replace(chosen, utility=0.5)), "the set utility to be that of the scores"),
        (BestLayer(spoil=lambda chosen, _: replace(chosen, trajectory=((11, 0.3),))), "the trajectory to begin with"),
        (BestLayer(spoil=by_first_image), "not to depend on the order of the images"),
        (
            BestLayer(spoil=lambda chosen, _: replace(chosen, weights=1 + torch.rand(1))),
            "not to depend on the other pools, or on chance",
        ),
        (
            BestLayer(aggregation="mean_norm", spoil=lambda chosen, _: replace(chosen, weights=torch.full((1,), 2.0))),
            "Expected weights of 1 with `mean_norm`",
        ),
        (BestLayer(spoil=overwriting), "norms to stay as they are|the set utility to be that of the scores"),
    ],
)
def test_a_broken_rule_is_noticed(rule: Rule, message: str) -> None:
    with pytest.raises(ExtensionError, match=message):
        check_rule(rule)
