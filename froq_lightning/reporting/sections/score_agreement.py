"""How far scores and labels of the calibration images agree, and how the scores are distributed."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from froq_lightning.calibration.correlation import mid_ranks
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.reporting.chart import draw_callouts, empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK
from froq_lightning.reporting.section import CalibrationContext, Part, Section

# Of more images some are drawn, evenly spaced.
MOST_IMAGES = 1_000
MOST_BINS = 36
# Percentiles between which scores are drawn: a few extreme ones would leave a single bar.
ENDS = (0.1, 99.9)
TEMPLATE = """\
<h2>Scores and labels</h2>
<p>Every point is a calibration image. Scores and labels are on scales of their own, higher is better on both.
Spearman's rho compares ranks: at rho 1 all points of the second chart lie on its dashed line. The scale 0 to 100
tells what share of the calibration images scored lower: 20 means as the worst fifth of them.</p>
<div class="grid">
<figure><figcaption>Values</figcaption>{{ values }}</figure>
<figure><figcaption>Ranks, as shares of the images</figcaption>{{ ranks }}</figure>
<figure><figcaption>Distribution of the scores</figcaption>{{ scale }}</figure>
</div>
{% if drawn < used %}
<p class="soft">Of {{ used | count }} images {{ drawn | count }} are drawn as points, evenly spaced.</p>
{% endif %}
"""


def render(context: CalibrationContext) -> Iterator[Part]:
    """Show scores against labels, and the distribution of the scores."""
    calibration = context.calibration
    scores, labels = calibration.selection.scores, calibration.table.pseudo_quality.double()
    yield Part(
        "scores",
        "Scores",
        fill(
            TEMPLATE,
            values=value_chart(scores, labels),
            ranks=rank_chart(scores, labels),
            scale=scale_histogram(scores.numpy(), calibration.observer.quantiles),
            drawn=min(len(scores), MOST_IMAGES),
            used=calibration.observer.calibration_set.images,
        ),
    )


SECTION = Section("calibration", 40, render)


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


def scale_histogram(scores: Floats, quantiles: Sequence[float]) -> Markup:
    """Draw `[N]` scores of calibration images, and where in them the scale 0..100 stands.

    Args:
        scores: of the images.
        quantiles: 101 of them, 0 % to 100 %.
    """
    low, high = np.percentile(scores, ENDS)
    bins = int(np.clip(2 * math.sqrt(len(scores)), 8, MOST_BINS))
    counts, edges = np.histogram(np.clip(scores, low, high), bins=bins)
    figure, axes = empty_chart(4.6, 3.4, (0.25, 0.25, 0.45, 0.65))
    axes.stairs(counts, edges, fill=True, color=CHOSEN, alpha=0.75)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.1 * counts.max())
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("quality score", color=INK)
    axes.set_title("quality, 0 to 100", loc="left", color=INK, fontsize=10, x=-0.02, pad=32)
    tens = range(0, 101, 10)
    points = [(float(np.clip(quantiles[place], low, high)), axes.get_ylim()[1]) for place in tens]
    draw_callouts(axes, [str(place) for place in tens], points, 0.3)
    return svg(figure, "scale")
