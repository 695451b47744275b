"""Which curves all figures of the page show: a box to tick for every method, without script."""

import math
from collections.abc import Iterator, Set

from froq_lightning.reporting.error_curves import REFERENCES
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import EvaluationContext, Part, Section

# With more methods than this, a figure is a tangle: the best ones are shown at first.
MOST_SHOWN, BEST_SHOWN = 8, 6
# With more curves than this, intervals hide each other.
FEW_SHOWN = 4
# A style sheet can ask which boxes are ticked, so that the page needs no script. In a browser that cannot, all curves
# are shown, without boxes.
TEMPLATE = """\
{% from "macros.html" import swatch %}
<style>
{% for mark in marks %}
body:has([id="show-{{ mark }}"]:not(:checked)) .{{ mark }} { display: none; }
body:has([id="show-{{ mark }}"]:not(:checked)) .pick [for="show-{{ mark }}"] { color: var(--soft); }
body:has([id="show-{{ mark }}"]:not(:checked)) .pick [for="show-{{ mark }}"]::before { content: ""; }
body:has([id="show-{{ mark }}"]:not(:checked)) .pick [for="show-{{ mark }}"] .swatch { opacity: .35; }
@media (hover: hover) {
  .curves:has(.pick [for="show-{{ mark }}"]:hover) .curve:not(.{{ mark }}) { opacity: .12; }
  .curves:has(.pick [for="show-{{ mark }}"]:hover) .curve.{{ mark }} { display: inline; }
}
{% endfor %}
</style>
<h2>Curves</h2>
<p>Every method has one line in all figures. {% if shown | length < methods | length %}Of {{ methods | length }} methods
the figures show at first the first one, the {{ best }} best by {{ table.convention.name }} at FMR {{
"%g" | format(table.fmr) }}{{ " on average" if table.sets | length > 1 }}, and random ones. {% endif %}<span
class="choice">Tick here, or in the legend of a figure, what all figures show; point at a name in a legend to
see its line alone, with its interval.</span></p>
<div class="choice">
{% for title, group in (("Methods", methods), ("Oracles and chance", references)) %}
<fieldset><legend>{{ title }}</legend>
{% for name, stroke in group.items() %}
<label><input type="checkbox" id="show-{{ stroke.mark }}" autocomplete="off"{% if name in shown or group is
sameas references %} checked{% endif %}>{{ swatch(stroke) }}<span class="name">{{ name | breakable }}</span></label>
{% endfor %}
{% if has_intervals and group is sameas references %}
<label><input type="checkbox" id="show-interval" autocomplete="off"{% if shown | length <= few %} checked{% endif
%}><span>intervals of the methods, shaded</span></label>
{% endif %}
</fieldset>
{% endfor %}
</div>
<p class="soft">Oracles are qualities made from what no quality method knows; how far a method is above them is what
could still be gained. "perfect" discards the false non-matches first: at a fixed threshold no curve is lower.
"cosine to the subject's mean" compares an image with the other images of its subject. "random quality" is what chance
would give.{% if has_intervals %} Intervals are of 95 % confidence for every point alone, from a bootstrap by
subject.{% endif %}</p>
"""


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the boxes, where there are curves."""
    results = context.evaluation.results
    if not any(result.curve for result in results):
        return
    content = fill(
        TEMPLATE,
        methods=context.strokes,
        references=REFERENCES,
        marks=["interval", *(stroke.mark for stroke in (*context.strokes.values(), *REFERENCES.values()))],
        shown=shown_at_first(context),
        best=BEST_SHOWN,
        few=FEW_SHOWN,
        table=context.tables[0],
        has_intervals=any(result.curve_low for result in results),
    )
    yield Part("curves", "Curves", content)


SECTION = Section("evaluation", 8, render)


def shown_at_first(context: EvaluationContext) -> Set[str]:
    """Name the methods whose curves are shown before a box is ticked: the first, the best and random ones, or all."""
    methods = context.evaluation.working()
    if len(methods) <= MOST_SHOWN:
        return {method.name for method in methods}
    table = context.tables[0]
    sign = -1 if table.convention.higher_is_better else 1
    is_random = {method.name: method.is_random for method in methods}
    values = {name: sign * cells[-1].value for name, cells in table.rows if not is_random[name]}
    ranking = sorted(values, key=lambda name: math.inf if math.isnan(values[name]) else values[name])
    return {methods[0].name, *ranking[:BEST_SHOWN], *(name for name, drawn in is_random.items() if drawn)}
