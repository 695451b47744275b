"""Rules of selection by name."""

from typing import Literal, get_args

from froq_lightning.calibration.rules.greedy import Greedy
from froq_lightning.calibration.rules.ridge import Ridge

PresetName = Literal["paper", "distinct", "ridge"]

PRESETS: dict[str, Greedy | Ridge] = {
    "paper": Greedy(pool=10, fold_repeats=False, aggregation="mean_norm"),
    "distinct": Greedy(pool=10, fold_repeats=True, aggregation="mean_standardised_norm"),
    "ridge": Ridge(),
}
if set(PRESETS) != set(get_args(PresetName)):
    raise AssertionError(PRESETS)
