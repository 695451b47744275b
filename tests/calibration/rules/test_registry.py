"""Selection rules by name, the built-in ones and those of other distributions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.calibration.rules.greedy import Greedy
from froq_lightning.calibration.rules.registry import create_rule, require_preset, resolve_preset
from froq_lightning.calibration.rules.ridge import Ridge
from froq_lightning.errors import ExtensionError, UnknownNameError
from froq_lightning.extensions import RULES


def test_the_published_rule_and_those_of_our_own_are_presets() -> None:
    assert create_rule("paper") == Greedy(pool=10, fold_repeats=False, aggregation="mean_norm")
    assert create_rule("distinct") == Greedy(pool=10)
    assert create_rule("ridge") == Ridge()


def test_auto_depends_on_where_the_labels_come_from() -> None:
    assert resolve_preset("auto", compared=True) == "ridge"
    assert resolve_preset("auto", compared=False) == "distinct"
    assert resolve_preset("paper", compared=True) == "paper"


def test_what_is_no_rule_is_refused(install: Callable[..., Path], on_path: Path) -> None:
    del on_path  # where `install` puts the distribution
    install("froq_best", "none = os:getcwd", group=RULES)
    with pytest.raises(UnknownNameError, match="unknown preset 'distinkt'; nearest: distinct"):
        require_preset("distinkt")
    with pytest.raises(ExtensionError, match="Expected 'none' of froq-best to make a Rule, but got"):
        require_preset("none")
