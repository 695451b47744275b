"""The greedy search: set utility against the number of layers."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from froq_lightning.calibration.selection import Step
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK
from froq_lightning.reporting.section import CalibrationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import badge %}
<h2>How the set grew</h2>
<p>Set utility: Spearman's rho between the scores of a set of layers and the pseudo-quality. The search begins with
the layer of the highest utility, adds the one that brings the set furthest, and keeps the layers up to where the set
utility is highest.</p>
<div class="pair">
<figure>{{ chart }}
<ul class="legend"><li><i class="dot chosen"></i>kept</li><li><i class="dot faint"></i>tried, not kept</li></ul>
</figure>
<div class="scroll"><table>
<caption>Greedy search</caption>
<thead><tr>
<th scope="col">Layer added</th>
<th scope="col">Layer utility</th>
<th scope="col">Set utility</th>
<th scope="col">Cost<small>of the layer</small></th>
</tr></thead>
<tbody>
{% for layer, set_utility in steps %}
<tr{% if not layer.chosen %} class="aside"{% endif %}>
<th scope="row" class="layer">{{ badge(layer) }}<span>{{ layer.name | dotted }}</span></th>
<td>{{ "%.3f" | format(layer.utility) }}</td>
<td>{% if loop.index == chosen %}<b>{{ "%.3f" | format(set_utility) }}</b>{% else %}{{ "%.3f" | format(set_utility)
}}{% endif %}</td>
<td>{{ layer.cost | share }}</td>
</tr>
{% endfor %}
</tbody></table></div>
</div>
"""


def render(context: CalibrationContext) -> Iterator[Part]:
    """Show the search, if there was one."""
    trajectory, chosen = context.calibration.selection.trajectory, len(context.calibration.observer.layers)
    if trajectory:
        steps = [(context.layer(step.layer), step.set_utility) for step in trajectory]
        chart = trajectory_chart(trajectory, chosen)
        yield Part("search", "Search", fill(TEMPLATE, chart=chart, steps=steps, chosen=chosen))


SECTION = Section("calibration", 20, render)


def trajectory_chart(trajectory: Sequence[Step], chosen: int) -> Markup:
    """Draw the search.

    Args:
        trajectory: its steps.
        chosen: number of steps that were taken up into the set.
    """
    figure, axes = empty_chart(5.4, 3.1, (0.6, 0.25, 0.45, 0.35))
    numbers = range(1, len(trajectory) + 1)
    reached = [step.set_utility for step in trajectory]
    axes.plot(numbers[chosen - 1 :], reached[chosen - 1 :], color=FAINT, linewidth=1.4)
    axes.plot(numbers[:chosen], reached[:chosen], color=CHOSEN, linewidth=2.2)
    axes.plot(numbers[chosen:], reached[chosen:], "o", color=FAINT, markersize=6)
    axes.plot(numbers[:chosen], reached[:chosen], "o", color=CHOSEN, markersize=7)
    axes.plot(chosen, reached[chosen - 1], "o", color=CHOSEN, markersize=13, fillstyle="none", markeredgewidth=1.2)
    axes.set_xlim(0.5, len(trajectory) + 0.5)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    axes.set_xlabel("number of layers", color=INK)
    axes.set_title("set utility", loc="left", color=INK, fontsize=10, x=-0.11, pad=10)
    return svg(figure, "trajectory")
