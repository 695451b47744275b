"""What is wrong with the images of a prediction, how often, and what helps."""

from collections.abc import Iterator

from froq_lightning.defects.defects import guidance
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, PredictionContext, Section

TEMPLATE = """\
<h2>Defects</h2>
<p>What is wrong with the images, by measurements of their quality components; an image may have several defects.</p>
<div class="scroll" tabindex="0"><table>
<thead><tr><th scope="col">Defect<small>what helps</small></th><th scope="col">Images</th>
<th scope="col">Share</th></tr></thead>
<tbody>
{% for defect, number, help in defects %}
<tr><th scope="row">{{ defect }}<small>{{ help }}</small></th><td>{{ number | count }}</td>
<td>{{ (number / images) | percent }}</td></tr>
{% endfor %}
</tbody></table></div>
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Count the defects, if some were found."""
    summary = context.summary
    defects = [(defect, number, guidance(defect)) for defect, number in summary.defects.most_common()]
    if defects:
        yield Part("defects", "Defects", fill(TEMPLATE, defects=defects, images=summary.images))


SECTION = Section("prediction", 15, render)
