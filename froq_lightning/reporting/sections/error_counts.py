"""How many trials and errors the results rest on, data set by data set."""

from collections.abc import Iterator

from froq_lightning.callbacks.results_table import error_counts
from froq_lightning.evaluation.outcome import FEW_ERRORS
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
{% for row in rows %}
{% set counts = row.result %}
<tr><th scope="row"><span class="name">{{ counts.data_set | breakable }}</span><small>{{
row.conventions | join(", ") }}</small></th>
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


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show a table for every FMR; conventions that share a threshold share a row."""
    counts = list(error_counts(context.evaluation))
    tables = {fmr: [each for each in counts if each.result.fmr == fmr] for fmr in context.evaluation.fmr}
    if counts:
        yield Part("errors", "Errors", fill(TEMPLATE, tables=tables, limit=FEW_ERRORS))


SECTION = Section("evaluation", 12, render)
