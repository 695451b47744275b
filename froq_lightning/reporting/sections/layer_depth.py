"""Where in the network its layers observe quality: layer utility by depth, and the chosen layers."""

from collections.abc import Iterator, Sequence

import numpy as np
from markupsafe import Markup

from froq_lightning.reporting.chart import draw_callouts, empty_chart, share_axis, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK
from froq_lightning.reporting.section import CalibrationContext, LayerRow, Part, Section

TEMPLATE = """\
{% from "macros.html" import badge %}
<h2>Where the network observes quality</h2>
<p>Layer utility: Spearman's rho between the norms of one layer and the pseudo-quality, -1 to 1. The higher it is, the
better the norms of the layer rank the images.</p>
<div class="pair">
<figure>{{ chart }}
<ul class="legend">
<li><i class="dot chosen"></i>chosen, in the order of the choice</li>
<li><i class="dot"></i>other layers</li>
<li><i class="dot hollow"></i>repeats an earlier layer</li>
{% if has_limit %}<li><i class="dashes"></i>max_cost</li>{% endif %}</ul>
</figure>
<div class="scroll"><table>
<caption>Chosen layers</caption>
<thead><tr>
<th scope="col">Layer</th>
<th scope="col">Layer utility</th>
<th scope="col">Cost<small>share of a pass</small></th>
<th scope="col">Norm<small>mean ± std</small></th>
<th scope="col">Weight</th>
</tr></thead>
<tbody>
{% for layer, observed in chosen %}
<tr>
<th scope="row" class="layer">{{ badge(layer) }}<span>{{ layer.name | dotted }}<small>{{ layer.kind
}}</small></span></th>
<td>{{ "%.3f" | format(observed.utility) }}</td>
<td>{{ layer.cost | share }}</td>
<td>{{ observed.mean | short }} ± {{ "%.2g" | format(observed.std) }}</td>
<td>{{ "%.3g" | format(observed.weight) }}</td>
</tr>
{% endfor %}
</tbody></table></div>
</div>
"""


def render(context: CalibrationContext) -> Iterator[Part]:
    """Show the layers by depth."""
    observer, cost = context.calibration.observer, context.calibration.selection.cost
    max_cost = observer.budget.max_cost
    yield Part(
        "depth",
        "Depth",
        fill(
            TEMPLATE,
            chart=layer_chart(context.layers, max_cost),
            has_limit=max_cost < 1 and cost is not None,
            chosen=[(context.layer(layer.name), layer) for layer in observer.layers],
        ),
    )


SECTION = Section("calibration", 10, render)


def layer_chart(layers: Sequence[LayerRow], max_cost: float) -> Markup:
    """Draw every layer that has a utility, by the cost of reaching it, or by its place where no cost is known.

    Args:
        layers: in execution order.
        max_cost: limit to the cost; 1 for none.
    """
    figure, axes = empty_chart(5.4, 3.5, (0.5, 0.25, 0.45, 0.75))
    usable = [layer for layer in layers if layer.utility is not None]
    plain = [layer for layer in usable if not layer.repeats and not layer.chosen]
    axes.plot(*_coordinates(plain), "o", color=INK, markersize=4, alpha=0.6, markeredgewidth=0)
    repeated = [layer for layer in usable if layer.repeats and not layer.chosen]
    axes.plot(*_coordinates(repeated), "o", color=FAINT, markersize=6, fillstyle="none", markeredgewidth=0.8)
    chosen = sorted((layer for layer in usable if layer.chosen), key=lambda layer: layer.number)
    axes.plot(*_coordinates(chosen), "o", color=CHOSEN, markersize=6.5, markeredgewidth=0)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.45)
    if usable[0].cost is None:
        axes.set_xlim(0, len(layers) + 1)
        axes.set_xlabel("position in execution order", color=INK)
    else:
        share_axis(axes, "cost of reaching the layer, share of a forward pass")
        if max_cost < 1:
            axes.axvline(max_cost, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_title("layer utility", loc="left", color=INK, fontsize=10, x=-0.09, pad=38)
    axes.set_ylim(axes.get_ylim())
    points = [*zip(*_coordinates(chosen), strict=True)]
    draw_callouts(axes, [str(layer.number) for layer in chosen], points, 0.21, CHOSEN)
    return svg(figure, "layers")


def _coordinates(layers: Sequence[LayerRow]) -> tuple[list[float], list[float]]:
    across = [layer.position if layer.cost is None else layer.cost for layer in layers]
    return across, [np.nan if layer.utility is None else layer.utility for layer in layers]
