"""False match rate and false non-match rate (ISO/IEC 19795-1). A trial matches if its score exceeds the threshold."""

import math

import numpy as np

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.comparisons import Floats

# What floating point may take from `fmr * count` when it should be a whole number.
ROUNDING = 1e-9


def require_fmr(fmr: float) -> None:
    """Refuse a false match rate outside 0..1."""
    if not 0 < fmr < 1:
        raise ConfigurationError(f"Expected the FMR to be between 0 and 1, but got {fmr}")


def threshold_at_fmr(non_mated: Floats, fmr: float) -> float:
    """Find the lowest threshold whose FMR does not exceed `fmr`; ties count as they fall, all together.

    Args:
        non_mated: `[N]` comparison scores.
        fmr: false match rate, 0..1. With fewer than 1 / fmr scores, no false match is allowed.

    Returns:
        The threshold; NaN without any non-mated score.
    """
    require_fmr(fmr)
    if not len(non_mated):
        return math.nan
    rank = len(non_mated) - 1 - math.floor(fmr * len(non_mated) + ROUNDING)
    return float(np.partition(non_mated, rank)[rank])


def threshold_nearest_fmr(non_mated: Floats, fmr: float) -> float:
    """Find the threshold whose FMR is nearest to `fmr`; of two as near, the lower threshold, as CR-FIQA's code does.

    Args:
        non_mated: `[N]` comparison scores.
        fmr: false match rate, 0..1.

    Returns:
        The threshold; minus infinity where all are to match, NaN without any score.
    """
    if not len(non_mated):
        return math.nan
    at = min(math.floor(fmr * len(non_mated) + ROUNDING), len(non_mated) - 1)
    # `at` false matches are wanted: the tied group that holds that place may go either way.
    rank = len(non_mated) - 1 - at
    value = float(np.partition(non_mated, rank)[rank])
    stricter, looser = np.count_nonzero(non_mated > value), np.count_nonzero(non_mated >= value)
    wanted = fmr * len(non_mated)
    if looser - wanted <= wanted - stricter + ROUNDING:
        return float(np.max(non_mated, initial=-math.inf, where=non_mated < value))
    return value


def false_non_match_rate(mated: Floats, threshold: float) -> float:
    """Share of the mated trials that do not match; NaN without trials or threshold."""
    return float(np.mean(mated <= threshold)) if len(mated) and not math.isnan(threshold) else math.nan


def false_match_rate(non_mated: Floats, threshold: float) -> float:
    """Share of the non-mated trials that match; NaN without trials or threshold."""
    return float(np.mean(non_mated > threshold)) if len(non_mated) and not math.isnan(threshold) else math.nan


def non_mated_needed(fmr: float) -> int:
    """How many non-mated trials it takes for one false match at that FMR."""
    return math.ceil(1 / fmr - ROUNDING)
