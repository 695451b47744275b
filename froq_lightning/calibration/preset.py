"""Rules of selection by name: as published, and with repeated layers folded and norms standardised."""

from dataclasses import dataclass
from typing import Literal, get_args

from froq_lightning.calibration.aggregation import Aggregation

PresetName = Literal["paper", "distinct"]


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
