"""Quality thresholds and groups of people for the terminal."""

import math
from collections.abc import Iterator
from itertools import chain

from froq_lightning.evaluation.bounds import Rate, percent
from froq_lightning.evaluation.groups import GroupComparison
from froq_lightning.evaluation.outcome import MethodThresholds
from froq_lightning.evaluation.thresholds import TABLE, Decision, ThresholdResult
from froq_lightning.terminal import Line, Part, Table

BOUNDS = (
    "bounds of quality thresholds hold with 95 % confidence each, after Clopper and Pearson by subject, for people and "
    "images like these and this comparison threshold; those of the FMR allow for no person whom many others resemble, "
    "unless the trials have one"
)


def threshold_lines(found: MethodThresholds) -> Iterator[Part]:
    """Describe the quality thresholds of a method on a data set, line by line."""
    scale = "quality in 0..100" if found.is_percentile else "raw quality score"
    at = f"FMR {found.fmr:g}, comparison threshold {found.result.threshold:.4f}"
    yield Line(f"quality thresholds of {found.method} ({scale}) on {found.data_set} at {at}", "title")
    yield operating_table(found.result)
    for decision in found.result.decisions:
        yield decision_line(decision)
    if found.groups is not None:
        yield from _group_lines(found.groups)


def operating_table(result: ThresholdResult) -> Table:
    """Lay out what is left of the errors after discarding the worst 1 %, 5 % and 10 %, and for the targets."""
    rows = [[quality, *chain.from_iterable(rates), target] for target, quality, rates in operating_rows(result)]
    return Table(["quality at least", "images discarded", "", "FNMR", "", "FMR", "", "target"], rows)


def operating_rows(result: ThresholdResult) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Yield target, quality threshold, and the rates with their bounds: images discarded, FNMR and FMR."""
    points = [("all images", result.before)]
    points += [(f"the worst {percent(share)} or less", point) for share, point in zip(TABLE, result.table, strict=True)]
    for decision in result.decisions:
        point = decision.point or decision.estimate
        if point is not None:
            points.append((f"{'certain' if decision.point else 'not certain'}: {decision.target}", point))
    for target, point in points:
        rates = [rate_text(rate) for rate in (point.discarded, point.fnmr, point.fmr)]
        yield target, quality_text(point.quality), rates


def decision_line(decision: Decision) -> str:
    """State in a sentence what is certain about a target."""
    if decision.point is not None:
        holds = f"holds with 95 % confidence at quality {quality_text(decision.point.quality)}"
        return f"{decision.target}: {holds}, which discards {percent(decision.point.discarded.value)} of the images"
    return f"{decision.target}: not certain: {decision.refusal}"


def quality_text(quality: float) -> str:
    """Write a quality threshold; a dash where nothing is discarded."""
    return f"{quality:.4g}" if math.isfinite(quality) else "-"


def rate_text(rate: Rate) -> tuple[str, str]:
    """Write a rate and its bounds."""
    if not rate.trials:
        return "-", ""
    return percent(rate.value), f"{percent(rate.low)} to {percent(rate.high)}"


def _group_lines(groups: GroupComparison) -> Iterator[Part]:
    at = "" if groups.threshold is None else f", at quality {quality_text(groups.threshold)}"
    yield Line(f"by {groups.column}{at}", "title")
    header = ["group", "images", "subjects", "median quality", "", "FNMR of all", "", "discarded", "", "FNMR after", ""]
    rows = []
    for group in groups.groups:
        low, high = group.median
        interval = f"{low:.4g} to {high:.4g}" if math.isfinite(low) else ""
        after = [""] * 4
        if group.after is not None:
            after = [*rate_text(group.after.discarded), *rate_text(group.after.fnmr)]
        facts = [group.name, str(group.images), str(group.subjects), f"{group.quality[2]:.4g}", interval]
        rows.append([*facts, *rate_text(group.before.fnmr), *after])
    yield Table(header, rows)
    yield from (f"{group.name}: {group.remark}" for group in groups.groups if group.remark)
    yield from groups.differences
