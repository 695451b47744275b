"""The results by every convention: tables, and error-versus-discard curves between the best possible and chance."""

import math
from collections.abc import Iterator, Mapping

from markupsafe import Markup

from froq_lightning.callbacks.results_table import ResultsTable
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation
from froq_lightning.reporting.error_curves import edc_chart
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import grid, legend, swatch %}
<h2 class="name">{{ convention.name }}</h2>
{% set words = convention.describe() %}
<p>{{ words[0] | upper }}{{ words[1:] }}.</p>
{% if tables | map("last") | select | list %}
{{ legend(strokes) }}
{% if drawn %}
<p class="soft">{{ drawn | join(", ") }}: values are means over several draws, the curve is that of the first.</p>
{% endif %}
{% endif %}
{% for table, charts in tables %}
<div class="scroll"><table>
<caption>{{ convention.name }} at FMR {{ "%g" | format(table.fmr) }}, {{ "higher" if
convention.higher_is_better else "lower" }} is better</caption>
<thead><tr><th scope="col">Method</th>
{% for column in table.columns %}
{% if loop.index0 < table.sets | length %}
{% set counts = table.sets[loop.index0] %}
<th scope="col">{{ column }}<small>FNMR {{ counts.fnmr | percent }} at threshold {{ counts.threshold | short }}<br>{{
counts.mated | count }} mated, {{ counts.non_mated | count }} non-mated<br>{{ counts.false_non_matches | count }}
false non-matches, {{ counts.false_matches | count }} false matches</small></th>
{% else %}
<th scope="col" class="mean">{{ column }}<small>over {{ table.sets | length }} data sets</small></th>
{% endif %}
{% endfor %}
</tr></thead>
<tbody>
{% for name, cells in table.rows %}
<tr><th scope="row">{{ swatch(strokes[name]) }}{{ name }}</th>
{% for cell in cells %}
<td{% if loop.index > table.sets | length %} class="mean"{% endif %}>{% if cell.best %}<b>{{ table.text(cell.value)
}}</b>{% else %}{{ table.text(cell.value) }}{% endif %}{% if table.interval(cell) %}<small>{{ table.interval(cell)
}}</small>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
{% for method in refused %}
<tr>
<th scope="row">{{ method.name }}</th>
<td class="refused" colspan="{{ table.columns | length }}">{{ method.refusal }}</td>
</tr>
{% endfor %}
</tbody>
</table></div>
{% if charts %}
{{ grid(charts) }}
{% endif %}
{% endfor %}
{% if has_intervals %}
<p class="soft">Small numbers: 95 % confidence intervals, from a bootstrap by subject. Marked is a method whose
interval is apart from those of all others, if its value rests on {{ few }} errors or more.</p>
{% endif %}
{% if convention.threshold == "recomputed" %}
<p class="soft">The threshold moves with what is retained, so that a curve can fall below the dashed line.</p>
{% endif %}
"""


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show a part for every convention."""
    evaluation = context.evaluation
    for number, convention in enumerate(evaluation.conventions, 1):
        tables = [table for table in context.tables if table.convention == convention]
        content = fill(
            TEMPLATE,
            convention=convention,
            strokes=context.strokes,
            drawn=[name for name in context.strokes if _has_draws(evaluation, name)],
            tables=[(table, list(_charts(evaluation, table, context.strokes))) for table in tables],
            refused=[method for method in evaluation.methods if method.refusal],
            has_intervals=bool(evaluation.results) and not math.isnan(evaluation.results[0].low),
            few=FEW_ERRORS,
        )
        yield Part(f"convention-{number}", convention.name, content)


SECTION = Section("evaluation", 10, render)


def _charts(evaluation: Evaluation, table: ResultsTable, strokes: Mapping[str, Stroke]) -> Iterator[tuple[str, Markup]]:
    convention = table.convention
    for data_set in evaluation.sets:
        results = {name: evaluation.result(data_set.name, name, convention.name, table.fmr) for name in strokes}
        if drawing := edc_chart(results, convention, strokes):
            errors = next(iter(results.values())).false_non_matches
            yield f"{data_set.name}, FMR {table.fmr:g}: {errors} false non-matches", drawing


def _has_draws(evaluation: Evaluation, method: str) -> bool:
    qualities = [data_set.unit_qualities[method] for data_set in evaluation.sets]
    return any(columns.ndim > 1 and columns.shape[1] > 1 for columns in qualities)
