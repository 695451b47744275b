"""Groups of people: quality, error rates and discarded images by group, and the largest differences."""

import math
from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from froq_lightning.callbacks.threshold_summary import quality_text, rate_text
from froq_lightning.evaluation.groups import GroupComparison, GroupResult
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import FAINT, INK, Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

# Groups of which curves are drawn.
MOST_DRAWN = 7
TEMPLATE = """\
{% from "macros.html" import grid, listed, swatch %}
{% set rate_names = ["Discarded", "FNMR of all", "FNMR after", "FMR of all"] %}
<h2>Groups by {{ column }}</h2>
<p>All groups have one comparison threshold and one quality threshold. A trial is a group's if both of its images are.
Small numbers are bounds: every one holds with 95 % confidence, by subject.</p>
{% for found, charts in tables %}
<div class="scroll"><table class="stack">
<caption>{{ found.data_set }} at FMR {{ "%g" | format(found.fmr) }}{% if found.groups.threshold is not none %}, quality
at least {{ found.groups.threshold | short }}{% endif %}</caption>
<thead><tr><th scope="col">Group</th><th scope="col">Images<small>subjects</small></th>
<th scope="col">Median quality<small>5 % to 95 % of the images</small></th>
{% for name in rate_names %}
<th scope="col">{{ name }}</th>
{% endfor %}
<th scope="col">Area under FNMR<small>95 % interval</small></th></tr></thead>
<tbody>
{% for group in found.groups.groups %}
<tr><th scope="row" class="name">{{ swatch(strokes[group.name]) if group.name in strokes }}{{ group.name }}</th>
<td data-label="Images, subjects">{{ group.images | count }}<small>{{ group.subjects | count }}</small></td>
<td data-label="Median quality, 5 % to 95 %">{{ group.quality[2] | short }}<small>{{ group.quality[0] | short
}} to {{ group.quality[4] | short }}</small></td>
{% for value, interval in rates(group) %}
<td data-label="{{ rate_names[loop.index0] }}">{{ value }}<small>{{ interval }}</small></td>
{% endfor %}
<td data-label="Area under FNMR">{{ group.curve.area | short }}<small>{% if group.subjects > 1 %}{{
group.area[0] | short }} to {{ group.area[1] | short }}{% endif %}</small></td></tr>
{% endfor %}
</tbody></table></div>
{{ listed(found.groups.differences) }}
<ul class="list">
{% for group in found.groups.groups if group.remark %}
<li>{{ group.name }}: {{ group.remark }}</li>
{% endfor %}
{% for group, sentence in alone(found.groups) %}
<li>{{ group }} alone: {{ sentence }}</li>
{% endfor %}
</ul>
{{ grid(charts) }}
{% endfor %}
"""


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the groups, where there are any."""
    found = [each for each in context.evaluation.thresholds_of_first() if each.groups is not None]
    if not found or found[0].groups is None:
        return
    drawn = [group.name for group in found[0].groups.groups if group.subjects > 1][:MOST_DRAWN]
    strokes = {name: Stroke.of(number) for number, name in enumerate(drawn)}
    tables = [
        (each, list(_charts(each.groups, strokes, f"{each.data_set} {each.fmr}"))) for each in found if each.groups
    ]
    content = fill(TEMPLATE, column=found[0].groups.column, tables=tables, strokes=strokes, rates=_rates, alone=_alone)
    yield Part("groups", "Groups", content)


SECTION = Section("evaluation", 17, render)


def _rates(group: GroupResult) -> Iterator[tuple[str, str]]:
    discarded, fnmr = (group.after.discarded, group.after.fnmr) if group.after else (None, None)
    for rate in (discarded, group.before.fnmr, fnmr, group.before.fmr):
        yield ("-", "") if rate is None else rate_text(rate)


def _alone(groups: GroupComparison) -> Iterator[tuple[str, str]]:
    """Say which threshold each group would take for the first target."""
    for group in groups.groups:
        for decision in group.thresholds.decisions[:1] if group.thresholds else ():
            point = decision.point or decision.estimate
            certainty = "certain" if decision.point else "not certain"
            at = f"quality {quality_text(point.quality)}" if point else "no quality threshold"
            yield group.name, f"{decision.target} at {at} ({certainty})"


def _charts(groups: GroupComparison, strokes: dict[str, Stroke], name: str) -> Iterator[tuple[str, Markup]]:
    known = {group.name: group for group in groups.groups if group.name in strokes}
    curves = {name: group for name, group in known.items() if np.isfinite(group.curve.fnmr).all()}
    if curves:
        yield "FNMR as images are discarded", _curve_chart(curves, strokes, name)
    yield "Quality: 5, 25, 50, 75 and 95 % of the images", _quality_chart(known, strokes, name)


def _curve_chart(groups: dict[str, GroupResult], strokes: dict[str, Stroke], name: str) -> Markup:
    figure, axes = empty_chart(4.6, 3.1, (0.6, 0.25, 0.45, 0.3))
    for group, stroke in ((groups[each], strokes[each]) for each in groups):
        axes.plot(group.curve.fractions, group.curve.fnmr, color=stroke.colour, linestyle=stroke.style, linewidth=1.7)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    axes.set_xlabel("discarded share of the group's mated trials", color=INK)
    axes.set_title("FNMR", loc="left", color=INK, fontsize=10, x=-0.12)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    return svg(figure, f"groups {name}")


def _quality_chart(groups: dict[str, GroupResult], strokes: dict[str, Stroke], name: str) -> Markup:
    figure, axes = empty_chart(4.6, 0.8 + 0.35 * len(groups), (0.2, 0.25, 0.45, 0.15))
    for place, group in enumerate(groups):
        quality, colour = groups[group].quality, strokes[group].colour
        if not all(map(math.isfinite, quality)):
            continue
        axes.plot([quality[0], quality[4]], [-place] * 2, color=colour, linewidth=1.2)
        axes.plot([quality[1], quality[3]], [-place] * 2, color=colour, linewidth=7, alpha=0.45)
        axes.plot(quality[2], -place, "o", color=colour, markersize=6)
    axes.set_yticks([])
    axes.set_ylim(-len(groups) + 0.4, 0.6)
    axes.set_xlabel("quality", color=INK)
    return svg(figure, f"group quality {name}")
