"""`froq threshold`: quality thresholds for targets, from comparison trials that have scores already."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.callbacks.results_json import finite
from froq_lightning.callbacks.threshold_summary import BOUNDS, threshold_lines
from froq_lightning.cli.output_paths import require_output
from froq_lightning.data.score_files import read_scores
from froq_lightning.data.subject_names import read_names
from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.evaluation.convention import PRESETS
from froq_lightning.evaluation.error_rates import false_match_rate, non_mated_needed, threshold_at_fmr
from froq_lightning.evaluation.groups import compare_groups
from froq_lightning.evaluation.outcome import MethodThresholds
from froq_lightning.evaluation.thresholds import Targets, quality_thresholds
from froq_lightning.sources.scored_trials import ScoredTrials, read_scored_trials
from froq_lightning.terminal import Line, show, tell, wrote

IS_OWN = signature(rb'\{\n "data_set": ')
PERCENTILE = "quality"


def run_threshold(options: Namespace) -> None:
    """Print the quality thresholds, and write them if that is wanted.

    Raises:
        ConfigurationError: for targets that are no shares, or an output that may not be written.
        DataError: if the trials or qualities cannot be read, or lack mated or non-mated trials.
    """
    path = Path(options.trials)
    files = {"trials": options.trials, "quality": options.quality, "groups": options.groups}
    output = Path(options.output) if options.output else None
    if output is not None:
        require_output(output, IS_OWN, {name: Path(file) for name, file in files.items() if file})
    targets = Targets(options.max_fnmr, options.max_discard, options.fnmr_factor, options.most_discarded)
    scored = read_scored_trials(path, options.data_set)
    found = _thresholds(scored, options, targets)
    doubts = list(_doubts(scored, found, options))
    show(*threshold_lines(found), BOUNDS, *(Line(doubt, "remark") for doubt in doubts))
    facts = finite(asdict(found))
    tell(**facts, remarks=doubts)
    if output is not None:
        text = json.dumps(facts, indent=1, allow_nan=False, ensure_ascii=False)
        with atomic_write(output, IS_OWN) as place:
            place.write_text(text + "\n", encoding="utf-8")
        wrote("thresholds", str(output))


def _thresholds(scored: ScoredTrials, options: Namespace, targets: Targets) -> MethodThresholds:
    method, quality = _quality(scored, options)
    if is_percentile := _is_percentile(method, quality):
        quality = np.where(quality < 0, np.nan, quality)
    trials = scored.trials
    non_mated = trials.scores[np.isfinite(trials.scores) & ~trials.mated]
    threshold, fmr = options.comparison_threshold, options.fmr
    if threshold is None:
        threshold = threshold_at_fmr(non_mated, fmr)
    else:
        fmr = false_match_rate(non_mated, threshold)
    result = quality_thresholds(trials, quality, threshold, targets)
    groups = None
    if options.groups:
        labels = read_names(Path(options.groups), scored.keys, options.group_column)
        groups = compare_groups(options.group_column, labels, trials, quality, result, targets, PRESETS["froq"])
    return MethodThresholds(scored.name, method, fmr, is_percentile, result, groups)


def _doubts(scored: ScoredTrials, found: MethodThresholds, options: Namespace) -> Iterator[str]:
    """Say which trials count for nothing, and whether there are too few for the FMR that is wanted."""
    trials = scored.trials
    if scored.note:
        yield f"mind that {scored.note}"
    if unscored := int((~np.isfinite(trials.scores)).sum()):
        yield f"{unscored:,} of {len(trials.scores):,} trials have no comparison score, and were left out"
    count = found.result.before.fmr.trials
    if options.comparison_threshold is None and count < non_mated_needed(options.fmr):
        yield f"only {count:,} of the {non_mated_needed(options.fmr):,} non-mated trials that FMR {options.fmr:g} needs"


def _quality(scored: ScoredTrials, options: Namespace) -> tuple[str, Floats]:
    """Return the quality that is wanted: that of a file, that of a name, or the first in 0..100."""
    if options.quality:
        column = options.column or PERCENTILE
        return column, read_scores(options.quality, scored.keys, column)
    qualities: Mapping[str, Floats] = scored.qualities
    if not qualities:
        raise ConfigurationError(
            "Expected --quality SCORES, a table of `froq predict`, since the trials have no qualities, such as "
            "columns quality_a and quality_b"
        )
    name = options.column or next((each for each in qualities if each.endswith(PERCENTILE)), next(iter(qualities)))
    if name not in qualities:
        raise UnknownNameError.among("quality in the trials", name, qualities)
    return name, qualities[name]


def _is_percentile(name: str, quality: Floats) -> bool:
    """Tell qualities in 0..100, and -1 where there is none, from raw scores, which may be below 0."""
    known = quality[np.isfinite(quality)]
    return name.endswith(PERCENTILE) and bool(np.isin(known, np.arange(-1, 101)).all())
