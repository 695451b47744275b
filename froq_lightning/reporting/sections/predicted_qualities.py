"""How the qualities of a prediction are distributed, and how many images a threshold discards."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from froq_lightning.evaluation.comparisons import Integers
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import CHOSEN, FAINT, INK
from froq_lightning.reporting.section import Part, PredictionContext, Section

BIN = 5
THRESHOLDS = (5, 10, 20, 30, 40, 50)
TEMPLATE = """\
<h2>Qualities</h2>
{% if chart %}
<p>Quality is the percentage of the calibration faces, degraded copies among them, that scored lower. Images like
the calibration faces would fill every bar up to the dashed line.</p>
<div class="pair qualities">
<figure>{{ chart }}
<ul class="legend">
<li><i style="background: var(--series-0)"></i>images by quality</li>
<li><i class="dashes"></i>calibration faces</li></ul>
</figure>
<div class="scroll" tabindex="0"><table>
<caption>What a threshold discards of the {{ scored | count }} scored images</caption>
<thead><tr><th scope="col">Quality below</th><th scope="col">Images</th><th scope="col">Share</th></tr></thead>
<tbody>
{% for threshold, images in discarded %}
<tr><th scope="row">{{ threshold }}</th><td>{{ images | count }}</td><td>{{ (images / scored) | percent }}</td></tr>
{% endfor %}
</tbody></table></div>
</div>
{% else %}
<p>No image could be scored.</p>
{% endif %}
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the distribution."""
    summary = context.summary
    below = np.concatenate([[0], summary.qualities.cumsum()])
    content = fill(
        TEMPLATE,
        chart=histogram(summary.qualities) if summary.scored else "",
        discarded=[(threshold, int(below[threshold])) for threshold in THRESHOLDS],
        scored=summary.scored,
    )
    yield Part("qualities", "Qualities", content)


SECTION = Section("prediction", 10, render)


def histogram(qualities: Integers) -> Markup:
    """Draw `[101]` numbers of images by quality, in bars that are 5 wide; 100 stands in the last one."""
    bars = qualities[:100].reshape(-1, BIN).sum(axis=1)
    bars[-1] += qualities[100]
    figure, axes = empty_chart(4.8, 2.6, (0.55, 0.15, 0.45, 0.1))
    axes.stairs(bars, np.arange(0, 101, BIN), fill=True, color=CHOSEN, alpha=0.8)
    axes.axhline(qualities.sum() * BIN / 100, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 10))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("quality", color=INK)
    axes.set_ylabel("images", color=INK)
    return svg(figure, "qualities of a prediction")
