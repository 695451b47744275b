"""All candidate layers of a network, in execution order."""

from collections.abc import Iterator

from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import CalibrationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import badge, many %}
<h2>All candidate layers</h2>
<p>In execution order; those that never fired come last. A layer repeats another if their norms are the same for every
image.</p>
<details{% if layers | length <= 40 %} open{% endif %}>
<summary>{{ many(layers | length, "layer") }}, {{ layers | selectattr("repeats") | list | length }} of them repeated,
{{ layers | selectattr("reason") | list | length }} left out</summary>
<div class="scroll"><table>
<thead><tr>
<th scope="col">Layer</th>
<th scope="col">#</th>
<th scope="col">Layer utility</th>
<th scope="col">Cost<small>share of a pass</small></th>
<th scope="col" class="words">Remark</th>
</tr></thead>
<tbody>
{% for layer in layers %}
<tr{% if layer.repeats or layer.reason %} class="aside"{% endif %}>
<th scope="row" class="layer">{% if layer.chosen %}{{ badge(layer) }}{% endif %}<span>{{ layer.name | dotted
}}<small>{{ layer.kind }}</small></span></th>
<td>{{ layer.position }}</td>
<td>{{ "-" if layer.utility is none else "%.3f" | format(layer.utility) }}</td>
<td>{{ layer.cost | share }}</td>
<td class="words">{% if layer.reason %}{{ layer.reason }}{% elif layer.repeats %}repeats {{ layer.repeats | dotted
}}{% endif %}</td>
</tr>
{% endfor %}
</tbody></table></div>
</details>
"""


def render(context: CalibrationContext) -> Iterator[Part]:
    """List the layers."""
    yield Part("layers", "All layers", fill(TEMPLATE, layers=context.layers))


SECTION = Section("calibration", 70, render)
