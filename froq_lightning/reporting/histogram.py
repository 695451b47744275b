"""How comparison scores and qualities are distributed."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.flags import draw_flags
from froq_lightning.reporting.palette import CHOSEN, INK, LIGHT, Stroke

BINS = 72
MATED, NON_MATED = LIGHT[0], LIGHT[1]
# Percentiles between which qualities are drawn: a few extreme ones would leave a single bar.
ENDS = (0.1, 99.9)


def score_histogram(trials: Trials, thresholds: Mapping[float, float], name: str) -> Markup:
    """Draw mated and non-mated comparison scores, each as shares of their own number; nothing if there are none.

    Args:
        trials: with their scores.
        thresholds: by FMR; NaN where there is none.
        name: of the chart.
    """
    usable = np.isfinite(trials.scores)
    if not usable.any():
        return Markup("")
    ends = float(trials.scores[usable].min()), float(trials.scores[usable].max())
    figure, axes = empty_chart(4.6, 2.7, (0.15, 0.15, 0.45, 0.15))
    for kind, colour in ((~trials.mated, NON_MATED), (trials.mated, MATED)):
        counts, edges = np.histogram(trials.scores[usable & kind], bins=BINS, range=ends)
        axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=colour, alpha=0.45)
        axes.stairs(counts / max(counts.sum(), 1), edges, color=colour, linewidth=1.2)
    for fmr, threshold in thresholds.items():
        if not math.isnan(threshold):
            axes.axvline(threshold, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
            label = f"FMR {fmr:g}"
            above = axes.get_xaxis_transform()
            axes.text(threshold, 0.98, label, color=INK, rotation=90, ha="right", va="top", fontsize=8, transform=above)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xlabel("comparison score", color=INK)
    return svg(figure, f"scores {name}")


def quality_histogram(quality: Floats, stroke: Stroke, name: str) -> Markup:
    """Draw `[N]` qualities of images in a small chart; nothing if there are none."""
    values = quality[np.isfinite(quality)]
    if not len(values):
        return Markup("")
    low, high = np.percentile(values, ENDS)
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS // 2)
    figure, axes = empty_chart(2.6, 1.3, (0.12, 0.12, 0.25, 0.05))
    axes.stairs(counts, edges, fill=True, color=stroke.colour, alpha=0.8)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4)
    return svg(figure, f"quality {name}")


def scale_histogram(scores: Floats, quantiles: Sequence[float]) -> Markup:
    """Draw `[N]` scores of calibration images, and where in them the scale 0..100 stands.

    Args:
        scores: of the images.
        quantiles: 101 of them, 0 % to 100 %.
    """
    low, high = np.percentile(scores, ENDS)
    bins = int(np.clip(2 * math.sqrt(len(scores)), 8, BINS // 2))
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
    draw_flags(axes, [str(place) for place in tens], points, 0.3)
    return svg(figure, "scale")
