"""Selection rules by name, the built-in ones and those of other distributions."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from froq_lightning.calibration.rules.greedy import Greedy
from froq_lightning.calibration.rules.registry import create_rule, require_preset, resolve_preset
from froq_lightning.calibration.rules.ridge import Ridge
from froq_lightning.calibration.selection import select_layers
from froq_lightning.conformance import check_rule
from froq_lightning.errors import ExtensionError, UnknownNameError
from froq_lightning.extensions import RULES

THIRD_PARTY = '''
from dataclasses import dataclass

from froq_lightning.calibration.rules.rule import Rule


@dataclass(frozen=True, kw_only=True)
class BestLayer(Rule):
    """Observe the layer of highest utility alone."""

    def choose(self, table, pools):
        best = [max(pool, key=table.utilities.__getitem__) for pool in pools]
        return [self.layer_set(table, [column]) for column in best]
'''


def test_the_published_rule_and_those_of_our_own_are_presets() -> None:
    assert create_rule("paper") == Greedy(pool=10, fold_repeats=False, aggregation="mean_norm")
    assert create_rule("distinct") == Greedy(pool=10)
    assert create_rule("ridge") == Ridge()


def test_auto_depends_on_where_the_labels_come_from() -> None:
    assert resolve_preset("auto", compared=True) == "ridge"
    assert resolve_preset("auto", compared=False) == "distinct"
    assert resolve_preset("paper", compared=True) == "paper"


def test_a_rule_from_elsewhere_is_a_preset_like_any_other(install: Callable[..., Path], on_path: Path) -> None:
    install("froq_best", "best_layer = froq_best:BestLayer\nnone = os:getcwd", group=RULES)
    (on_path / "froq_best.py").write_text(THIRD_PARTY)
    require_preset("best_layer")
    rule = create_rule("best_layer")
    check_rule(rule)
    labels = torch.rand(20, generator=torch.Generator().manual_seed(0))
    selection = select_layers(torch.stack([1 - labels, labels + 1], dim=1), labels, ["worst", "best"], rule)
    assert (selection.layers, selection.in_sample) == (("best",), 1)
    with pytest.raises(UnknownNameError, match="unknown preset 'best_laier'; nearest: best_layer"):
        require_preset("best_laier")
    with pytest.raises(ExtensionError, match="Expected 'none' of froq-best to make a Rule, but got"):
        require_preset("none")
