"""Rules of selection by name."""

from typing import Literal, get_args

from froq_lightning.calibration.rules.greedy import Greedy
from froq_lightning.calibration.rules.ridge import Ridge

PresetName = Literal["auto", "paper", "distinct", "ridge"]
PRESET_NAMES: tuple[str, ...] = get_args(PresetName)

PRESETS: dict[str, Greedy | Ridge] = {
    "paper": Greedy(pool=10, fold_repeats=False, aggregation="mean_norm"),
    "distinct": Greedy(pool=10, fold_repeats=True, aggregation="mean_standardised_norm"),
    "ridge": Ridge(),
}
if {"auto", *PRESETS} != set(PRESET_NAMES):
    raise AssertionError(PRESETS)


def settled(preset: PresetName, *, compared: bool) -> PresetName:
    """Say which preset `auto` stands for.

    Labels that come from comparing images tell what recognition needs, and are worth fitting closely. Others tell
    something else beside it: there the fewer layers of a greedy search are right on more networks.

    Args:
        preset: that was asked for.
        compared: whether the labels come from comparing images.
    """
    return preset if preset != "auto" else "ridge" if compared else "distinct"
