"""What a reader of an evaluation should know besides its figures: doubtful numbers, refusals, images without score."""

import math
from collections.abc import Iterator, Sequence

from froq_lightning.evaluation.outcome import FEW_ERRORS, EvaluatedSet, Evaluation
from froq_lightning.terminal import printable

XQLFW = "XQLFW was built with SER-FIQ scores: its figures favour SER-FIQ"


def caveats(evaluation: Evaluation) -> list[str]:
    """State them in sentences, each once."""
    return [
        *(f"{method.name} cannot work here: {method.refusal}" for method in evaluation.methods if method.refusal),
        *(f"{one.name}: {one.note}" for one in evaluation.sets if one.note),
        *(f"{one.name}: {XQLFW}" for one in evaluation.sets if _built_with_ser_fiq(one) and _has_ser_fiq(evaluation)),
        *evaluation.notes,
        *_few_errors(evaluation),
        *_no_intervals(evaluation),
        *_remarks(evaluation),
        *_missing(evaluation),
    ]


def left_out(one: EvaluatedSet, shown: int) -> list[str]:
    """Name images without an embedding, with reasons: the first ones, and the number of the others."""
    listed = [printable(f"{key}: {reason}") for key, reason in list(one.left_out.items())[:shown]]
    return [*listed, f"… and {len(one.left_out) - shown} more"] if len(one.left_out) > shown else listed


def _built_with_ser_fiq(one: EvaluatedSet) -> bool:
    return "xqlfw" in one.name.casefold()


def _has_ser_fiq(evaluation: Evaluation) -> bool:
    names = [method.name.casefold().replace("-", "").replace("_", "") for method in evaluation.working()]
    return any("serfiq" in name for name in names)


def _few_errors(evaluation: Evaluation) -> Iterator[str]:
    """Yield the data sets and FMRs whose figures rest on few errors, with their numbers by all conventions."""
    for one in evaluation.sets:
        for fmr in evaluation.fmr:
            found = [each for each in evaluation.results if (each.data_set, each.fmr) == (one.name, fmr)]
            missed, matched = [each.false_non_matches for each in found], [each.false_matches for each in found]
            if any(count < FEW_ERRORS for count in (*missed, *matched)):
                yield (
                    f"{one.name} at FMR {fmr:g}: figures rest on {_range(missed)} false non-matches, and the threshold "
                    f"on {_range(matched)} false matches; with fewer than {FEW_ERRORS} errors, differences between "
                    "methods may be chance"
                )


def _range(counts: Sequence[int]) -> str:
    return f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(counts[0])


def _no_intervals(evaluation: Evaluation) -> Iterator[str]:
    if len(evaluation.working()) > 1 and not any(math.isfinite(result.low) for result in evaluation.results):
        yield (
            "no method is marked as the best: whether differences are more than chance is known only with intervals, "
            "which model.metrics.bootstrap gives (200, say)"
        )


def _remarks(evaluation: Evaluation) -> Iterator[str]:
    """Yield each remark on figures once, with the data sets, FMRs and methods that it is about unless those are all."""
    methods: dict[tuple[str, str], list[str]] = {}
    for result in evaluation.results:
        for remark in result.remark.split("; "):
            known = methods.setdefault((remark, f"{result.data_set} at FMR {result.fmr:g}"), [])
            known += [result.method] * (result.method not in known)
    places: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (remark, place), about in methods.items():
        places.setdefault((remark, tuple(about)), []).append(place)
    for (remark, named), found in places.items():
        everywhere = len(found) == len(evaluation.sets) * len(evaluation.fmr)
        everything = len(named) == len(evaluation.working())
        about = [*(() if everywhere else found), *(() if everything else named)]
        if remark:
            yield ": ".join(filter(None, [", ".join(about), remark]))


def _missing(evaluation: Evaluation) -> Iterator[str]:
    """Yield what was not acquired: images without an embedding, trials without a comparison score or a quality."""
    for one in evaluation.sets:
        results = {result.method: result for result in evaluation.results if result.data_set == one.name}
        lost = max((result.without_score for result in results.values()), default=0)
        if one.left_out or lost:
            yield (
                f"{one.name}: {len(one.left_out)} of {one.images} images gave no embedding; "
                f"{lost} comparison trials are left out with them"
            )
        for method, result in results.items():
            if result.unscored:
                yield f"{one.name}, {method}: {result.unscored} comparison trials without a quality are discarded first"
