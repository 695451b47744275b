"""The results by every convention: tables, and error-versus-discard curves between oracles and chance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from froq_lightning.callbacks.results_table import ResultsTable
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation, Result
from froq_lightning.reporting.error_curves import CHANCE, REFERENCES, edc_chart
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import few, legend, swatch %}
{% macro values(table, cells) %}
{% for cell in cells %}
<td data-label="{{ table.columns[loop.index0] }}"{% if loop.index > table.sets | length %} class="mean"{% endif %}>{%
if cell.best %}<b>{{ table.text(cell.value) }}</b>{% else %}{{ table.text(cell.value) }}{% endif %}{% if
table.interval(cell) %}<small>{{ table.interval(cell) }}</small>{% endif %}</td>
{% endfor %}
{% endmacro %}
<h2 class="name">{{ convention.name }}</h2>
{% set words = convention.describe() %}
<p>{{ words[0] | upper }}{{ words[1:] }}.</p>
{% for block in blocks %}
{% set table = block.table %}
<div class="scroll"><table class="stack">
<caption>{{ convention.name }} at FMR {{ "%g" | format(table.fmr) }}, {{ "higher" if
convention.higher_is_better else "lower" }} is better</caption>
<thead><tr><th scope="col">Method</th>
{% for counts in table.sets %}
<th scope="col"><span class="name">{{ counts.data_set | breakable }}</span><small>{{ counts.false_non_matches | count
}} false non-matches{{ few(counts.false_non_matches, limit) }}</small></th>
{% endfor %}
{% if table.columns | length > table.sets | length %}
<th scope="col" class="mean">{{ table.columns[-1] }}<small>over {{ table.sets | length }} data sets</small></th>
{% endif %}
</tr></thead>
<tbody>
{% for name, cells in table.rows %}
<tr><th scope="row">{{ swatch(strokes[name]) }}<span class="name">{{ name | breakable }}</span></th>
{{ values(table, cells) }}
</tr>
{% endfor %}
{% for method in refused %}
<tr>
<th scope="row"><span class="name">{{ method.name }}</span></th>
<td class="refused" colspan="{{ table.columns | length }}">{{ method.refusal }}</td>
</tr>
{% endfor %}
</tbody>
{% if table.oracles %}
<tbody class="oracles">
{% for name, cells in table.oracles %}
<tr><th scope="row">{{ swatch(references[name]) if name in references }}{{ name
}}<small>oracle</small></th>
{{ values(table, cells) }}
</tr>
{% endfor %}
</tbody>
{% endif %}
</table></div>
{% if block.figures %}
<div class="curves">
{{ legend(block.legend) }}
<div class="grid">
{% for figure in block.figures %}
{% set counts = figure.counts %}
<figure><figcaption><span class="name">{{ counts.data_set | breakable }}</span><small>{{ counts.convention }} at FMR {{
"%g" | format(counts.fmr) }}: {{ counts.false_non_matches | count }} false non-matches of {{ counts.mated | count
}} mated trials{{ few(counts.false_non_matches, limit) }}</small></figcaption>{{ figure.drawing }}</figure>
{% endfor %}
</div></div>
{% endif %}
{% endfor %}
{% if drawn and blocks | map(attribute="figures") | select | list %}
<p class="soft">{{ drawn | join(", ") }}: values are means over several draws, the curve is that of the first.</p>
{% endif %}
{% if has_intervals %}
<p class="soft">Small numbers: 95 % confidence intervals, from a bootstrap by subject. Marked is a method whose
interval is apart from those of all others, if its value rests on {{ limit }} errors or more.</p>
{% endif %}
{% if convention.threshold == "recomputed" %}
<p class="soft">The threshold moves with what is retained, so that there is no "perfect" quality to compare with.</p>
{% endif %}
"""


@dataclass(frozen=True)
class Figure:
    """The curves of all methods on a data set, with any method's result for its counts."""

    counts: Result
    drawing: Markup


@dataclass(frozen=True)
class Block:
    """What is shown of a convention at one FMR.

    Args:
        table: of the values.
        figures: of the data sets that have a curve.
        legend: strokes of the lines in the figures.
    """

    table: ResultsTable
    figures: Sequence[Figure]
    legend: Mapping[str, Stroke]


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show a part for every convention."""
    evaluation = context.evaluation
    for number, convention in enumerate(evaluation.conventions, 1):
        content = fill(
            TEMPLATE,
            convention=convention,
            strokes=context.strokes,
            references=REFERENCES,
            drawn=[name for name in context.strokes if _has_draws(evaluation, name)],
            blocks=[_block(context, table) for table in context.tables if table.convention == convention],
            refused=[method for method in evaluation.methods if method.refusal],
            has_intervals=bool(evaluation.results) and not math.isnan(evaluation.results[0].low),
            limit=FEW_ERRORS,
        )
        yield Part(f"convention-{number}", convention.name, content)


SECTION = Section("evaluation", 10, render)


def _block(context: EvaluationContext, table: ResultsTable) -> Block:
    evaluation, key = context.evaluation, (table.convention.name, table.fmr)
    oracles = [each for each in evaluation.oracles if (each.convention, each.fmr) == key]
    figures = []
    for data_set in evaluation.sets:
        results = {name: evaluation.result(data_set.name, name, *key) for name in context.strokes}
        lines = {each.method: each for each in oracles if each.data_set == data_set.name}
        if drawing := edc_chart(results, table.convention, context.strokes, lines):
            figures.append(Figure(next(iter(results.values())), drawing))
    known = {CHANCE, *(each.method for each in oracles)}
    references = {name: stroke for name, stroke in REFERENCES.items() if name in known}
    return Block(table, figures, {**context.strokes, **references})


def _has_draws(evaluation: Evaluation, method: str) -> bool:
    qualities = [data_set.unit_qualities[method] for data_set in evaluation.sets]
    return any(columns.ndim > 1 and columns.shape[1] > 1 for columns in qualities)
