"""What a method costs: time per image."""

import math
from collections.abc import Iterator

from froq_lightning.callbacks.evaluation_summary import times_bare_pass
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import EvaluationContext, Part, Section

TEMPLATE = """\
<h2>Time per image</h2>
<p>Median over the batches, with all forward passes that a method needs, and as a multiple of the network's bare
forward pass.</p>
<div class="costs">
{% for method, milliseconds, multiple, colour in costs %}
{% set length = multiple / longest %}
<span class="name">{{ method }}</span>
<span class="bar"><i style="width: calc({{ "%.2f" | format(100 * length) }}% - {{ "%.2f" |
format(10 * length) }}rem); background: var({{ colour }})"></i>{{ milliseconds | short }} ms · {{ "%.2f" |
format(multiple) }}&times;</span>
{% endfor %}
</div>
{% for method in unknown %}
<p class="soft">{{ method }}: scores from elsewhere, time not known.</p>
{% endfor %}
"""


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the times as bars, the longest over the whole width."""
    evaluation = context.evaluation
    costs, unknown = [("bare forward pass", evaluation.pass_milliseconds, 1.0, "--faint")], []
    for method in evaluation.working():
        multiple = times_bare_pass(evaluation, method)
        if math.isfinite(multiple):
            costs.append((method.name, method.milliseconds, multiple, context.strokes[method.name].variable))
        else:
            unknown.append(method.name)
    longest = max(multiple for _, _, multiple, _ in costs)
    yield Part("times", "Times", fill(TEMPLATE, costs=costs, longest=longest, unknown=unknown))


SECTION = Section("evaluation", 50, render)
