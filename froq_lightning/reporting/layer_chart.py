"""Where in the network its layers observe quality: layer utility by depth."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from froq_lightning.reporting.chart import empty_chart, share_axis, svg
from froq_lightning.reporting.flags import draw_flags
from froq_lightning.reporting.layer_row import LayerRow
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK


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
    draw_flags(axes, [str(layer.number) for layer in chosen], points, 0.21, CHOSEN)
    return svg(figure, "layers")


def _coordinates(layers: Sequence[LayerRow]) -> tuple[list[float], list[float]]:
    across = [layer.position if layer.cost is None else layer.cost for layer in layers]
    return across, [np.nan if layer.utility is None else layer.utility for layer in layers]
