"""How many trials and errors the results rest on, data set by data set."""

from collections.abc import Iterator
from dataclasses import dataclass

from froq_lightning.evaluation.outcome import FEW_ERRORS, Result
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import EvaluationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import few %}
<h2>Errors</h2>
<p>A value rests on the false non-matches, and its threshold on the false matches. With fewer than {{ limit }} of them,
which are marked, differences between methods may be chance.</p>
{% for fmr, rows in tables.items() %}
<div class="scroll"><table class="stack">
<caption>Trials and errors at FMR {{ "%g" | format(fmr) }}</caption>
<thead><tr><th scope="col">Data set</th><th scope="col">Mated trials</th><th scope="col">Non-mated trials</th>
<th scope="col">Threshold</th><th scope="col">FNMR</th><th scope="col">False non-matches</th>
<th scope="col">False matches</th></tr></thead>
<tbody>
{% for counts, conventions in rows.items() %}
<tr><th scope="row"><span class="name">{{ counts.data_set }}</span><small>{{ conventions | join(", ") }}</small></th>
<td data-label="Mated trials">{{ counts.mated | count }}</td>
<td data-label="Non-mated trials">{{ counts.non_mated | count }}</td>
<td data-label="Threshold">{{ counts.threshold | short }}</td>
<td data-label="FNMR">{{ counts.fnmr | percent }}</td>
<td data-label="False non-matches">{{ counts.false_non_matches | count }}{{ few(counts.false_non_matches, limit) }}</td>
<td data-label="False matches">{{ counts.false_matches | count }}{{ few(counts.false_matches, limit) }}</td>
</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}
"""


@dataclass(frozen=True)
class ErrorCounts:
    """Trials and errors of a data set at a threshold; see `Result`."""

    data_set: str
    mated: int
    non_mated: int
    threshold: float
    fnmr: float
    false_non_matches: int
    false_matches: int

    @classmethod
    def of(cls, result: Result) -> "ErrorCounts":
        """Take them from the result of any method."""
        return cls(
            result.data_set,
            result.mated,
            result.non_mated,
            result.threshold,
            result.fnmr,
            result.false_non_matches,
            result.false_matches,
        )


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show a table for every FMR; conventions that share a threshold share a row."""
    tables: dict[float, dict[ErrorCounts, list[str]]] = {}
    for data_set in context.evaluation.sets:
        for table in context.tables:
            rows = tables.setdefault(table.fmr, {})
            for counts in (ErrorCounts.of(result) for result in table.sets if result.data_set == data_set.name):
                rows.setdefault(counts, []).append(table.convention.name)
    if tables:
        yield Part("errors", "Errors", fill(TEMPLATE, tables=tables, limit=FEW_ERRORS))


SECTION = Section("evaluation", 12, render)
