"""Which quality is bad: thresholds for targets, what they do, and how often single images are judged wrongly."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from froq_lightning.callbacks.threshold_summary import BOUNDS, decision_line, operating_rows
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.evaluation.sample_errors import SampleErrors, sample_errors
from froq_lightning.reporting.chart import empty_chart, svg
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import FAINT, INK, Stroke
from froq_lightning.reporting.section import EvaluationContext, Part, Section

# Points of a curve that are drawn at most, and the shares that its axes show.
POINTS, ENDS = 400, (0.005, 0.995)
TICKS = (0.01, 0.1, 0.5, 0.9, 0.99)
TEMPLATE = """\
{% from "macros.html" import grid, legend, listed %}
{% set rate_names = ["Images discarded", "FNMR", "FMR"] %}
<h2>Quality thresholds</h2>
<p>Images whose {{ method }} is below a threshold are discarded; the comparison threshold stays.
{{ bounds[0] | upper }}{{ bounds[1:] }}.</p>
{% for found, rows, sentences in tables %}
<div class="scroll"><table class="stack">
<caption>{{ found.data_set }} at FMR {{ "%g" | format(found.fmr) }}, {{ "quality in 0..100" if found.is_percentile else
"raw quality score" }}</caption>
<thead><tr><th scope="col" class="words">Target</th><th scope="col">Quality at least</th>
{% for name in rate_names %}
<th scope="col">{{ name }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for target, quality, rates in rows %}
<tr><th scope="row" class="words">{{ target }}</th><td data-label="Quality at least">{{ quality }}</td>
{% for value, interval in rates %}
<td data-label="{{ rate_names[loop.index0] }}">{{ value }}<small>{{ interval }}</small></td>
{% endfor %}
</tr>
{% endfor %}
</tbody></table></div>
{{ listed(sentences) }}
{% endfor %}
{% if charts %}
<h3>Single images judged wrongly</h3>
<p>As the threshold rises, fewer images are accepted that do not match (incorrect acceptance), and more are rejected
that would have matched (incorrect rejection; ISO/IEC 29794-1). An image counts with the shares of its mated trials that
match and that do not. The axes are those of a DET plot; nearer to the lower left is better; the dotted line is
chance.</p>
<div class="curves">
{{ legend(strokes) }}
{{ grid(charts) }}
</div>
{% endif %}
"""


def render(context: EvaluationContext) -> Iterator[Part]:
    """Show the thresholds of the first method, and the errors on single images by all methods."""
    evaluation = context.evaluation
    shown = evaluation.thresholds_of_first()
    if not shown:
        return
    tables = [
        (found, list(operating_rows(found.result)), [decision_line(each) for each in found.result.decisions])
        for found in shown
    ]
    methods = {each.method for each in evaluation.thresholds}
    strokes = {name: stroke for name, stroke in context.strokes.items() if name in methods}
    content = fill(
        TEMPLATE,
        method=shown[0].method,
        bounds=BOUNDS,
        tables=tables,
        strokes=strokes,
        charts=list(_charts(evaluation, strokes)),
    )
    yield Part("thresholds", "Thresholds", content)


SECTION = Section("evaluation", 15, render)


def _charts(evaluation: Evaluation, strokes: dict[str, Stroke]) -> Iterator[tuple[str, Markup]]:
    for data_set in evaluation.sets:
        for fmr in evaluation.fmr:
            found = [each for each in evaluation.thresholds if (each.data_set, each.fmr) == (data_set.name, fmr)]
            trials = data_set.trials.take(np.isfinite(data_set.trials.scores))
            curves = {
                each.method: sample_errors(trials, data_set.unit_qualities[each.method][:, 0], each.result.threshold)
                for each in found
                if each.method in strokes
            }
            defined = {name: curve for name, curve in curves.items() if np.isfinite(curve.incorrect_acceptance).all()}
            if defined:
                yield f"{data_set.name}, FMR {fmr:g}", sample_error_chart(defined, strokes, f"{data_set.name} {fmr}")


def sample_error_chart(curves: dict[str, SampleErrors], strokes: dict[str, Stroke], name: str) -> Markup:
    """Draw incorrect acceptance over incorrect rejection, as a DET curve is drawn.

    Args:
        curves: by method.
        strokes: of the methods.
        name: of the chart.
    """
    figure, axes = empty_chart(4.6, 3.4, (0.65, 0.25, 0.5, 0.35))
    for method, curve in curves.items():
        places = np.unique(np.linspace(0, len(curve.quality) - 1, POINTS).round().astype(int))
        x, y = (np.clip(axis[places], *ENDS) for axis in (curve.incorrect_rejection, curve.incorrect_acceptance))
        axes.plot(x, y, linewidth=1.7, zorder=3, **strokes[method].line)
    shares = np.linspace(*ENDS, POINTS)
    axes.plot(shares, 1 - shares, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set(xscale="logit", yscale="logit", xlim=ENDS, ylim=ENDS, xticks=TICKS, yticks=TICKS)
    axes.minorticks_off()
    axes.grid(color=FAINT, linewidth=0.5, alpha=0.45)
    axes.set_xlabel("incorrect rejection", color=INK)
    axes.set_title("incorrect acceptance", loc="left", color=INK, fontsize=10, x=-0.14)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    return svg(figure, f"samples {name}")
