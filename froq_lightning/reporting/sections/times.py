"""What a method costs: time per image."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from froq_lightning.callbacks.evaluation_summary import times_bare_pass
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import EvaluationContext, Part, Section

TEMPLATE = """\
<h2>Time per image</h2>
<p>Median over the batches, with all forward passes that a method needs, and as a multiple of the network's bare
forward pass.</p>
<div class="costs">
{% for cost in costs %}
<span class="name">{{ cost.method }}</span>
<span class="bar"><i style="width: calc({{ "%.2f" | format(cost.length) }}% - {{ "%.2f" |
format(cost.length / 100 * 10) }}rem); background: var({{ cost.colour }})"></i>{{ cost.milliseconds |
short }} ms · {{ "%.2f" | format(cost.multiple) }}&times;</span>
{% endfor %}
</div>
{% for method in unknown %}
<p class="soft">{{ method }}: scores from elsewhere, time not known.</p>
{% endfor %}
"""


@dataclass(frozen=True)
class Cost:
    """Time of a method.

    Args:
        method: its name.
        milliseconds: per image.
        multiple: of the bare forward pass.
        length: of its bar, in percent.
        colour: variable in the style of the page.
    """

    method: str
    milliseconds: float
    multiple: float
    length: float
    colour: str


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the times as bars."""
    unknown = [method.name for method in context.evaluation.working() if math.isnan(method.milliseconds)]
    yield Part("times", "Times", fill(TEMPLATE, costs=list(_costs(context)), unknown=unknown))


SECTION = Section("evaluation", 50, render)


def _costs(context: EvaluationContext) -> Iterator[Cost]:
    """Yield the bare pass and every method whose time is known; the longest bar is 100 percent."""
    evaluation = context.evaluation
    times = [("bare forward pass", evaluation.pass_milliseconds, 1.0, "--faint")]
    for method in evaluation.working():
        multiple, colour = times_bare_pass(evaluation, method), context.strokes[method.name].variable
        times.append((method.name, method.milliseconds, multiple, colour))
    known = [time for time in times if math.isfinite(time[2])]
    longest = max((multiple for _, _, multiple, _ in known), default=1.0)
    for name, milliseconds, multiple, colour in known:
        yield Cost(name, milliseconds, multiple, 100 * multiple / longest, colour)
