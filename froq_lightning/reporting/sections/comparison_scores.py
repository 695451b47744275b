"""How comparison scores of mated and non-mated trials are distributed."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from markupsafe import Markup

from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import INK, LIGHT
from froq_lightning.reporting.section import EvaluationContext, Part, Section

BINS = 72
MATED, NON_MATED = LIGHT[0], LIGHT[1]
TEMPLATE = """\
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


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the distributions, data set by data set."""
    charts = {}
    for data_set in context.evaluation.sets:
        results = [result for result in context.evaluation.results if result.data_set == data_set.name]
        thresholds = {result.fmr: result.threshold for result in results}
        charts[data_set.name] = score_histogram(data_set.trials, thresholds, data_set.name)
    yield Part("scores", "Comparison scores", fill(TEMPLATE, charts=charts))


SECTION = Section("evaluation", 20, render)


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
