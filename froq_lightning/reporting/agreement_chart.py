"""How far scores and labels of the calibration images agree."""

import torch
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from froq_lightning.calibration.correlation import mid_ranks
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK

# Of more images some are drawn, evenly spaced.
MOST_IMAGES = 1_000


def value_chart(scores: Tensor, labels: Tensor) -> Markup:
    """Draw `[N]` quality scores against `[N]` pseudo-quality labels."""
    return _scatter(scores, labels, "value")


def rank_chart(scores: Tensor, labels: Tensor) -> Markup:
    """Draw the ranks of scores and labels, as shares of the images: what Spearman's rho compares."""
    return _scatter(rank_shares(scores), rank_shares(labels), "rank")


def rank_shares(values: Tensor) -> Tensor:
    """Bring `[N]` values to the share of them that is lower, 0..1, ties in the middle; float64."""
    return (mid_ranks(values) - 0.5) / len(values)


def _scatter(scores: Tensor, labels: Tensor, kind: str) -> Markup:
    shown = torch.linspace(0, len(scores) - 1, min(len(scores), MOST_IMAGES)).round().long()
    figure, axes = empty_chart(4.6, 3.4, (0.65, 0.25, 0.45, 0.35))
    size = 5.0 if len(shown) <= 100 else 3.2
    axes.plot(
        scores[shown].numpy(), labels[shown].numpy(), "o", color=CHOSEN, markersize=size, markeredgewidth=0, alpha=0.5
    )
    if kind == "rank":
        axes.plot((0, 1), (0, 1), color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    axes.grid(color=FAINT, linewidth=0.5, alpha=0.45)
    axes.locator_params(nbins=6)
    axes.set_xlabel(f"{kind} of the quality score", color=INK)
    axes.set_title(f"{kind} of the pseudo-quality", loc="left", color=INK, fontsize=10, x=-0.15, pad=10)
    return svg(figure, f"agreement {kind}")
