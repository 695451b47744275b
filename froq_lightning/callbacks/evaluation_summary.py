"""Tables of an evaluation for the terminal, and what a reader should know besides the numbers."""

import math
from collections.abc import Iterator, Sequence

from froq_lightning.callbacks.results_table import Cell, ResultsTable, results_tables
from froq_lightning.callbacks.threshold_summary import BOUNDS, threshold_lines
from froq_lightning.evaluation.outcome import FEW_ERRORS, EvaluatedSet, Evaluation, MethodFacts, Result
from froq_lightning.terminal import Kind, Line, Part, Table, printable

XQLFW = "XQLFW was built with SER-FIQ scores: its results favour SER-FIQ"
FAILURES_SHOWN = 5


def times_bare_pass(evaluation: Evaluation, method: MethodFacts) -> float:
    """Time of a method as a multiple of the network's forward pass; NaN if it is not known."""
    return method.milliseconds / evaluation.pass_milliseconds


def summary(evaluation: Evaluation) -> Iterator[Part]:
    """Describe an evaluation for the terminal."""
    groups = [
        *(_table(table) for table in results_tables(evaluation)),
        *_thresholds(evaluation),
        _times(evaluation),
        _bulleted("remarks", caveats(evaluation), "remark"),
        *(
            _bulleted(f"images of {data_set.name} left out", left_out(data_set, FAILURES_SHOWN), "failure")
            for data_set in evaluation.sets
        ),
    ]
    for group in filter(None, groups):
        yield ""
        yield from group


def caveats(evaluation: Evaluation) -> list[str]:
    """State in sentences, each once: refusals, doubtful numbers, and what was left out."""
    return [
        *(f"{method.name} cannot work here: {method.refusal}" for method in evaluation.methods if method.refusal),
        *(f"{data_set.name}: {data_set.note}" for data_set in evaluation.sets if data_set.note),
        *(
            f"{data_set.name}: {XQLFW}"
            for data_set in evaluation.sets
            if "xqlfw" in data_set.name.casefold() and _has_ser_fiq(evaluation)
        ),
        *evaluation.notes,
        *_few_errors(evaluation),
        *_no_intervals(evaluation),
        *_remarks(evaluation),
        *_missing(evaluation),
    ]


def left_out(data_set: EvaluatedSet, shown: int) -> list[str]:
    """Name images without an embedding, with reasons: the first ones, and the number of the others."""
    listed = [printable(f"{key}: {reason}") for key, reason in list(data_set.left_out.items())[:shown]]
    return [*listed, f"… and {len(data_set.left_out) - shown} more"] if len(data_set.left_out) > shown else listed


def _table(table: ResultsTable) -> list[Part]:
    title = Line(f"{table.convention.name} at FMR {table.fmr:g}", "title")
    parts: list[Part] = [title, table.convention.describe(), *_errors(table.sets), ""]
    rows = [[name, *(table.text(cell.value) + " *"[cell.best] for cell in cells)] for name, cells in _all_rows(table)]
    width = max(len(cell) for row in rows for cell in row[1:])
    padded = [[name, *(cell.rjust(width) for cell in cells)] for name, *cells in rows]
    parts.append(_set_apart(table, ["method", *(name.rjust(width - 1) for name in table.columns)], padded))
    if any(cell.best for _, cells in table.rows for cell in cells):
        parts.append("  * the best of its column: its 95 % confidence interval is apart from all others")
    intervals = [[name, *map(table.interval, cells)] for name, cells in _all_rows(table)]
    if any(cell for row in intervals for cell in row[1:]):
        parts.append(_set_apart(table, ["95 % confidence interval", *table.columns], intervals))
    return parts


def _all_rows(table: ResultsTable) -> Sequence[tuple[str, Sequence[Cell]]]:
    return (*table.rows, *table.oracles)


def _set_apart(table: ResultsTable, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Lay out rows of methods, and behind a line those of oracles."""
    oracles = {len(rows) - len(table.oracles): "oracles, made from what no quality method knows"}
    return Table(header, rows, oracles if table.oracles else {})


def _errors(sets: Sequence[Result]) -> Iterator[Part]:
    """Yield lines of a table of the errors on every data set; few ones are marked."""
    counts = ["false non-matches", "of mated trials", "false matches", "of non-mated trials"]
    rows = [
        [
            result.data_set,
            f"{result.threshold:.4f}",
            f"{result.fnmr:.4f}",
            _count(result.false_non_matches, counts[0]),
            str(result.mated),
            _count(result.false_matches, counts[2]),
            str(result.non_mated),
        ]
        for result in sets
    ]
    yield Table(["data set", "threshold", "FNMR", *counts], rows)
    if any(min(result.false_non_matches, result.false_matches) < FEW_ERRORS for result in sets):
        yield Line(f"  ! fewer than {FEW_ERRORS} errors: differences between methods may be chance", "remark")


def _count(errors: int, title: str) -> str:
    return f"{errors}{'!' if errors < FEW_ERRORS else ' '}".rjust(len(title))


def _thresholds(evaluation: Evaluation) -> Iterator[list[Part]]:
    """Describe the thresholds of the first method; those of others are in the files."""
    found = evaluation.thresholds_of_first()
    yield from (list(threshold_lines(each)) for each in found)
    if found:
        yield [BOUNDS]


def _times(evaluation: Evaluation) -> list[Part]:
    rows = [["bare forward pass", f"{evaluation.pass_milliseconds:.2f}", "1.00"]]
    for method in evaluation.working():
        times = (method.milliseconds, times_bare_pass(evaluation, method))
        rows.append([method.name, *(f"{time:.2f}" if math.isfinite(time) else "-" for time in times)])
    title = "time per image, median of the batches, with the forward passes that a method needs"
    return [Line(title, "title"), Table(["method", "ms", "times the bare pass"], rows)]


def _bulleted(title: str, lines: list[str], kind: Kind) -> list[Part]:
    return [Line(title, "title"), *(Line(f"  {line}", kind) for line in lines)] if lines else []


def _has_ser_fiq(evaluation: Evaluation) -> bool:
    names = [method.name.casefold().replace("-", "").replace("_", "") for method in evaluation.working()]
    return any("serfiq" in name for name in names)


def _few_errors(evaluation: Evaluation) -> Iterator[str]:
    """Yield the data sets and FMRs whose results rest on few errors, with their numbers by all conventions."""
    for data_set in evaluation.sets:
        for fmr in evaluation.fmr:
            results = [result for result in evaluation.results if (result.data_set, result.fmr) == (data_set.name, fmr)]
            non_matches = [result.false_non_matches for result in results]
            matches = [result.false_matches for result in results]
            if any(count < FEW_ERRORS for count in (*non_matches, *matches)):
                yield (
                    f"{data_set.name} at FMR {fmr:g}: results rest on {_range(non_matches)} false non-matches, and the "
                    f"threshold on {_range(matches)} false matches; with fewer than {FEW_ERRORS} errors, differences "
                    "between methods may be chance"
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
    """Yield each remark on results once, with the data sets, FMRs and methods that it is about unless those are all."""
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
    for data_set in evaluation.sets:
        results = {result.method: result for result in evaluation.results if result.data_set == data_set.name}
        lost = max((result.without_score for result in results.values()), default=0)
        if data_set.left_out or lost:
            yield (
                f"{data_set.name}: {len(data_set.left_out)} of {data_set.images} images gave no embedding; "
                f"{lost} comparison trials are left out with them"
            )
        for method, result in results.items():
            if result.unscored:
                trials = f"{result.unscored} comparison trials without a quality"
                yield f"{data_set.name}, {method}: {trials} are discarded first"
