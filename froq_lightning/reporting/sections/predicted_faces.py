"""The worst and the best faces of a prediction."""

from collections.abc import Iterator, Sequence

from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.reporting.thumbnail import thumbnail
from froq_lightning.runs.quality_batch import ScoredRow

SIDE = 112
TEMPLATE = """\
{% from "macros.html" import portraits %}
<h2>Worst and best faces</h2>
<p>As the network saw them, with their quality.</p>
{% for title, faces in groups.items() if faces %}
<h3>{{ title }}</h3>
{{ portraits(faces) }}
{% endfor %}
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the worst faces, the very worst first, and the best ones, the very best first."""
    if context.read is None or not context.worst_rows:
        return
    groups = {"Worst": faces(context, context.worst_rows), "Best": faces(context, context.best_rows)}
    yield Part("faces", "Faces", fill(TEMPLATE, groups=groups))


SECTION = Section("prediction", 20, render)


def faces(context: PredictionContext, rows: Sequence[ScoredRow]) -> list[tuple[ScoredRow, str]]:
    """Read the crops of some rows; those that can no longer be read are left out."""
    read = context.read
    samples = [] if read is None else [(row, read(row.sample_index).image) for row in rows]
    return [(row, thumbnail(crop.permute(1, 2, 0).numpy(), SIDE)) for row, crop in samples if crop is not None]
