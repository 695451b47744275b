"""The worst and the best faces of a prediction."""

from collections.abc import Iterable, Iterator

from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.reporting.thumbnail import CARD_SIDE, Card, thumbnail
from froq_lightning.runs.quality_batch import ScoredRow

TEMPLATE = """\
{% from "macros.html" import cards, many %}
<h2>{% if best %}Worst and best faces{% else %}Faces, from the worst to the best{% endif %}</h2>
<p>As the network saw them, with their quality from 0 to 100.</p>
{% if best %}
<h3>The {{ many(worst | length, "worst face") }}, the very worst first</h3>
{% endif %}
{{ cards(worst) }}
{% if best %}
<h3>The {{ many(best | length, "best face") }}, the very best first</h3>
{{ cards(best) }}
{% endif %}
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the faces at both ends, if there is a source to read from; few images are shown in one row."""
    worst = list(_cards(context, context.worst_rows))
    if worst:
        best = list(_cards(context, context.best_rows))
        yield Part("faces", "Faces", fill(TEMPLATE, worst=worst, best=best))


SECTION = Section("prediction", 20, render)


def picture(context: PredictionContext, row: ScoredRow) -> str:
    """Read a crop again, and make a thumbnail of it; empty if that fails, or there is no source to read from."""
    crop = None if context.read is None else context.read(row.sample_index).image
    return "" if crop is None else thumbnail(crop.permute(1, 2, 0).numpy(), CARD_SIDE)


def file_name(image: str) -> str:
    """Return the last part of the name of an image."""
    return image.rsplit("/", 1)[-1]


def _cards(context: PredictionContext, rows: Iterable[ScoredRow]) -> Iterator[Card]:
    for row in rows:
        source = picture(context, row)
        if source:
            note = "; ".join(filter(None, [*row.defects, row.reason]))
            yield Card(source, file_name(row.image), row.quality, note, row.image)
