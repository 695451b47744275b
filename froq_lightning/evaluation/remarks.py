"""What a reader should know of a result besides its numbers."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.evaluation.edc import ErrorVersusDiscardCurve
from froq_lightning.evaluation.error_rates import non_mated_needed


def remarks(trials: Trials, draws: Sequence[Floats], threshold: float, fmr: float) -> Iterator[str]:
    """Yield what is doubtful about trials and qualities, of which there may be several draws."""
    mated, non_mated, quality = trials.scores[trials.mated], int((~trials.mated).sum()), draws[0]
    if len(draws) > 1:
        yield f"mean of {len(draws)} draws"
    if not len(mated):
        yield "no mated trials"
    elif not math.isnan(threshold) and not np.any(mated <= threshold):
        yield "no false non-matches: nothing to discard"
    if not non_mated:
        yield "no non-mated trials"
    elif non_mated < non_mated_needed(fmr):
        yield f"only {non_mated} of the {non_mated_needed(fmr)} non-mated trials that FMR {fmr:g} needs"
    if not np.isfinite(quality).any():
        yield "no quality scores"
    elif np.nanmin(quality) == np.nanmax(quality):
        yield "constant quality"


def break_offs(curves: Sequence[ErrorVersusDiscardCurve]) -> Iterator[str]:
    """Say where the first curve that breaks off does so."""
    for curve in curves:
        undefined = np.flatnonzero(np.isnan(curve.fnmr))
        if len(undefined) and undefined[0]:
            share = curve.fractions[undefined[0]]
            yield f"no rate is defined from a discarded share of {share:g} on: mated or non-mated trials have run out"
            return
