"""How comparison scores of mated and non-mated trials, and qualities of images, are distributed."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from markupsafe import Markup

from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import INK, LIGHT, Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

SCORE_BINS, QUALITY_BINS = 72, 36
# Percentiles between which qualities are drawn: a few extreme ones would leave a single bar.
ENDS = (0.1, 99.9)
MATED, NON_MATED = LIGHT[0], LIGHT[1]
SCORES_TEMPLATE = """\
<h2>Comparison scores</h2>
<p>How far apart the network holds mated and non-mated comparison trials; each kind is drawn as shares of its own
number. A trial matches if its score exceeds the threshold.</p>
<ul class="legend">
<li><i style="background: var(--series-0)"></i>mated</li>
<li><i style="background: var(--series-1)"></i>non-mated</li></ul>
<div class="grid">
{% for data_set, chart in charts.items() if chart %}
<figure><figcaption>{{ data_set }}</figcaption>{{ chart }}</figure>
{% endfor %}
</div>
"""
QUALITIES_TEMPLATE = """\
<h2>Qualities of the images</h2>
<p>Higher is better; every method has a scale of its own. The first and the last thousandth of the images stand in the
outermost bars.</p>
{% for data_set, charts in sets.items() %}
<h3 class="name">{{ data_set }}</h3>
<div class="grid small">
{% for name, drawing in charts.items() %}
<figure><figcaption>{{ name }}</figcaption>{{ drawing or "no quality scores" }}</figure>
{% endfor %}
</div>
{% endfor %}
"""


def render_scores(context: EvaluationContext) -> Iterator[Part]:
    """Show the comparison scores, data set by data set."""
    charts = {}
    for data_set in context.evaluation.sets:
        results = [result for result in context.evaluation.results if result.data_set == data_set.name]
        thresholds = {result.fmr: result.threshold for result in results}
        charts[data_set.name] = score_histogram(data_set.trials, thresholds, data_set.name)
    yield Part("scores", "Comparison scores", fill(SCORES_TEMPLATE, charts=charts))


def render_qualities(context: EvaluationContext) -> Iterator[Part]:
    """Show the qualities by every method, data set by data set."""
    sets = {
        data_set.name: {
            method: quality_histogram(data_set.qualities[method], stroke, f"{data_set.name} {method}")
            for method, stroke in context.strokes.items()
        }
        for data_set in context.evaluation.sets
    }
    yield Part("qualities", "Qualities", fill(QUALITIES_TEMPLATE, sets=sets))


SCORES = Section("evaluation", 20, render_scores)
QUALITIES = Section("evaluation", 30, render_qualities)


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
        counts, edges = np.histogram(trials.scores[usable & kind], bins=SCORE_BINS, range=ends)
        axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=colour, alpha=0.45)
        axes.stairs(counts / max(counts.sum(), 1), edges, color=colour, linewidth=1.2)
    highest = max(thresholds.values(), default=math.nan)
    for fmr, threshold in thresholds.items():
        if not math.isnan(threshold):
            axes.axvline(threshold, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
            # The last label stands behind its line: thresholds may be near each other.
            side = "left" if threshold == highest and len(thresholds) > 1 else "right"
            label, above = f"FMR {fmr:g}", axes.get_xaxis_transform()
            axes.text(threshold, 0.98, label, color=INK, rotation=90, ha=side, va="top", fontsize=8, transform=above)
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
    counts, edges = np.histogram(np.clip(values, low, high), bins=QUALITY_BINS)
    figure, axes = empty_chart(2.6, 1.3, (0.12, 0.12, 0.25, 0.05))
    axes.stairs(counts, edges, fill=True, color=stroke.colour, alpha=0.8)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4)
    return svg(figure, f"quality {name}")
