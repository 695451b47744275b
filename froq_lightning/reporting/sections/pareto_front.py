"""The Pareto front of cost and utility: how much set utility a share of a forward pass buys."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.pareto_front import FrontPoint
from froq_lightning.calibration.selection import Selection
from froq_lightning.callbacks.calibration_summary import deepest
from froq_lightning.reporting.chart import empty_chart, share_axis, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK
from froq_lightning.reporting.section import CalibrationContext, Part, Section

# What a reader might give up of Spearman's rho, and the share of the cost that makes it worth while.
TOLERANCES = (0.01, 0.02, 0.05)
SAVING = 0.1
# The front of a large set is drawn from a part of its images: a smaller difference of rho may come from that.
NOTABLE = 0.001
TEMPLATE = """\
{% from "macros.html" import many %}
<h2>What a share of a pass buys</h2>
<p>A pass for the score alone ends behind the deepest layer that is read. The line is the highest set utility that is
had at a cost: every point is a set of layers that no cheaper one equals.
To choose another, calibrate again with <code>--model.max_cost</code>, the share of a pass that reaching the deepest
layer may take, or with <code>--model.tolerance</code>, the set utility that may be given up for the cheapest set.
{% if cheaper %}
Here <code>--model.tolerance={{ "%g" | format(tolerance) }}</code> would bring the cost from {{ cost | share
}} down to {{ cheaper.cost | share }} of a pass, with a set utility of {{ "%.3f" | format(cheaper.utility) }} instead
of {{ "%.3f" | format(observer.set_utility) }}.
{% endif %}</p>
<div class="pair">
<figure>{{ chart }}
<ul class="legend">
<li><i class="dot chosen"></i>chosen set: {{ cost | share }} of a pass, set utility {{ "%.3f" |
format(observer.set_utility) }}</li>
<li><i class="dot"></i>other sets</li>
{% if observer.budget.max_cost < 1 %}<li><i class="dashes"></i>max_cost</li>{% endif %}</ul>
</figure>
<div class="scroll tall" tabindex="0"><table>
<caption>Utility-cost front: {{ many(points | length, "set") }}, from dear to cheap</caption>
<thead><tr>
<th scope="col">Cost<small>share of a pass</small></th>
<th scope="col">Set utility</th>
<th scope="col">Layers</th>
<th scope="col" class="words">Deepest layer</th>
</tr></thead>
<tbody>
{% for point, deepest, chosen in points | reverse %}
<tr>
<th scope="row">{{ point.cost | share }}</th>
<td>{% if chosen %}<b>{{ "%.3f" | format(point.utility) }}</b>{% else %}{{ "%.3f" | format(point.utility) }}{%
endif %}</td>
<td>{{ point.columns | length }}</td>
<td class="words">{{ deepest | dotted }}{% if chosen %} <small>chosen</small>{% endif %}</td>
</tr>
{% endfor %}
</tbody></table></div>
</div>
<p class="soft">Costs are times measured on the machine of the calibration; they differ a little from run to run.{% if
better %} The search is greedy: among fewer layers it can find a better set than among more, as here at {{ better.cost
| share }} of a pass with a set utility of {{ "%.3f" | format(better.utility) }}; a lower
<code>--model.max_cost</code> leads there.{% endif %}</p>
"""


def render(context: CalibrationContext) -> Iterator[Part]:
    """Show what a share of a pass buys, if the costs are known."""
    observer, selection = context.calibration.observer, context.calibration.selection
    if not selection.front or selection.cost is None:
        return
    layers = context.backbone.candidate_layers
    points = [
        (point, deepest(point, selection, layers), set(point.columns) == set(selection.columns))
        for point in selection.front
    ]
    tolerance, cheaper = _cheaper(observer, selection.front, selection.cost)
    chosen = (selection.cost, observer.set_utility)
    yield Part(
        "cost",
        "Cost",
        fill(
            TEMPLATE,
            observer=observer,
            cost=selection.cost,
            points=points,
            chart=front_chart(selection.front, chosen, observer.budget.max_cost),
            tolerance=tolerance,
            cheaper=cheaper,
            better=_better(observer, selection),
        ),
    )


SECTION = Section("calibration", 30, render)


def front_chart(front: Sequence[FrontPoint], chosen: tuple[float, float], max_cost: float) -> Markup:
    """Draw the front as steps: what is bought at a cost is had for any higher one.

    Args:
        front: of rising cost and utility, not empty.
        chosen: cost and set utility of the chosen set.
        max_cost: limit to the cost; 1 for none.
    """
    figure, axes = empty_chart(5.4, 3.1, (0.6, 0.25, 0.45, 0.35))
    costs, reached = [point.cost for point in front], [point.utility for point in front]
    axes.plot([*costs, 1.0], [*reached, reached[-1]], color=INK, linewidth=1.5, drawstyle="steps-post")
    axes.plot(costs, reached, "o", color=INK, markersize=3.6, markeredgewidth=0)
    axes.plot(*chosen, "o", color=CHOSEN, markersize=8, markeredgewidth=0, clip_on=False)
    axes.plot(*chosen, "o", color=CHOSEN, markersize=14, fillstyle="none", markeredgewidth=1.2, clip_on=False)
    if max_cost < 1:
        axes.axvline(max_cost, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
    share_axis(axes, "cost of the set, share of a forward pass")
    axes.margins(y=0.1)
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    axes.set_title("set utility", loc="left", color=INK, fontsize=10, x=-0.11, pad=10)
    return svg(figure, "front")


def _cheaper(observer: Observer, front: Sequence[FrontPoint], cost: float) -> tuple[float, FrontPoint | None]:
    """Find the smallest tolerance that saves much of the cost, and its set; None if a tolerance was given already."""
    for tolerance in () if observer.budget.tolerance else TOLERANCES:
        for point in front:
            if point.utility >= observer.set_utility - tolerance and point.cost <= (1 - SAVING) * cost:
                return tolerance, point
    return 0.0, None


def _better(observer: Observer, selection: Selection) -> FrontPoint | None:
    """Find the best set within the budget if it is better than the chosen one; a greedy search can miss it."""
    within = [point for point in selection.front if point.cost <= observer.budget.max_cost]
    best = max(within, key=lambda point: point.utility, default=None)
    return best if best and best.utility > observer.set_utility + NOTABLE and not observer.budget.tolerance else None
