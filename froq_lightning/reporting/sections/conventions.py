"""The results by every convention: tables, and error-versus-discard curves between the best possible and chance."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from froq_lightning.callbacks.results_table import ResultsTable
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.edc import best_curve
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation, Result
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import FAINT, INK, Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

# Of a curve so many points are drawn.
POINTS = 600
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


def edc_chart(results: Mapping[str, Result], convention: Convention, strokes: Mapping[str, Stroke]) -> Markup:
    """Draw curves of one convention at one FMR; nothing where none is defined, or where there are no errors.

    Args:
        results: of the methods, by name.
        convention: of the curves.
        strokes: of the methods.
    """
    curves = {name: one for name, one in results.items() if one.curve and np.nan_to_num(one.curve).any()}
    if not curves:
        return Markup("")
    figure, axes = empty_chart(4.6, 3.1, (0.6, 0.25, 0.45, 0.3))
    start = next(iter(curves.values()))
    chance, highest = start.curve[0], [start.curve[0]]
    for name, result in curves.items():
        fractions, fnmr = _drawn(result, convention)
        stroke = strokes[name]
        step = "steps-post" if convention.area == "step" else "default"
        axes.plot(fractions, fnmr, color=stroke.colour, linestyle=stroke.style, linewidth=1.7, drawstyle=step, zorder=3)
        highest.append(float(np.nanmax(fnmr)))
    shares = np.linspace(0, convention.limit, POINTS)
    axes.plot(shares, _best(chance, shares, convention, start), color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
    axes.axhline(chance, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set_xlim(0, convention.limit)
    axes.set_ylim(0, 1.06 * max(highest))
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    unit = "mated trials" if convention.discard == "mated" else "all trials"
    axes.set_xlabel(f"discarded share of {unit}", color=INK)
    axes.set_title("FNMR", loc="left", color=INK, fontsize=10, x=-0.12)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    return svg(figure, f"edc {convention.name} {start.data_set} {start.fmr}")


def _drawn(result: Result, convention: Convention) -> tuple[Floats, Floats]:
    """Thin a curve to what can be seen, and take it to the end of the axis where it is made of steps."""
    fractions, fnmr = np.array(result.fractions), np.array(result.curve)
    kept = np.unique(np.linspace(0, len(fractions) - 1, min(POINTS, len(fractions))).round().astype(int))
    fractions, fnmr = fractions[kept], fnmr[kept]
    if convention.area == "step":
        return np.append(fractions, convention.limit), np.append(fnmr, fnmr[-1])
    return fractions, fnmr


def _best(fnmr: float, shares: Floats, convention: Convention, counts: Result) -> Floats:
    """FNMR where the false non-matches are discarded first."""
    if convention.discard == "all":
        shares = np.minimum(shares * (counts.mated + counts.non_mated) / counts.mated, 1 - 1e-9)
    return best_curve(fnmr, shares)
