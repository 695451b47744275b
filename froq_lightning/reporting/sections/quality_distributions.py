"""How the qualities of the images are distributed, by method."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

BINS = 36
# Percentiles between which qualities are drawn: a few extreme ones would leave a single bar.
ENDS = (0.1, 99.9)
TEMPLATE = """\
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


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the distributions, data set by data set."""
    sets = {
        data_set.name: {
            method: quality_histogram(data_set.qualities[method], stroke, f"{data_set.name} {method}")
            for method, stroke in context.strokes.items()
        }
        for data_set in context.evaluation.sets
    }
    yield Part("qualities", "Qualities", fill(TEMPLATE, sets=sets))


SECTION = Section("evaluation", 30, render)


def quality_histogram(quality: Floats, stroke: Stroke, name: str) -> Markup:
    """Draw `[N]` qualities of images in a small chart; nothing if there are none."""
    values = quality[np.isfinite(quality)]
    if not len(values):
        return Markup("")
    low, high = np.percentile(values, ENDS)
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS)
    figure, axes = empty_chart(2.6, 1.3, (0.12, 0.12, 0.25, 0.05))
    axes.stairs(counts, edges, fill=True, color=stroke.colour, alpha=0.8)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4)
    return svg(figure, f"quality {name}")
