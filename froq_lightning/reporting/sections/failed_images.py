"""The images that could not be scored, and why."""

from collections.abc import Iterator

from froq_lightning.data.face_dataset import read_ref
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.errors import ImageError
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.reporting.sections.predicted_faces import file_name
from froq_lightning.reporting.thumbnail import CARD_SIDE, Card, thumbnail
from froq_lightning.runs.quality_batch import ScoredRow

REASONS_SHOWN = 12
TEMPLATE = """\
{% from "macros.html" import cards, listed, many %}
<h2>Failed images</h2>
{% if failed %}
<p>{{ many(failed, "image") }} could not be scored{% if failed > shown | length %}; the first {{ shown | length }} are
shown, the table of all images has the others{% endif %}.</p>
{{ listed(reasons) }}
{{ cards(shown) }}
{% else %}
<p>None: every image was scored.</p>
{% endif %}
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the first failed images with their reasons, and how often there is each reason."""
    summary = context.summary
    counted = [f"{reason}: {number}" for reason, number in summary.reasons.most_common(REASONS_SHOWN)]
    more = len(summary.reasons) - REASONS_SHOWN
    counted += [f"… and {more} other reasons"] if more > 0 else []
    shown = [_card(context, row) for row in summary.failures]
    yield Part("failures", "Failed", fill(TEMPLATE, failed=summary.failed, shown=shown, reasons=counted))


SECTION = Section("prediction", 50, render)


def _card(context: PredictionContext, row: ScoredRow) -> Card:
    has_pictures = context.faces is not None and context.ends
    source = _whole_image(context.faces.images[row.sample_index]) if context.faces and has_pictures else ""
    return Card(source, file_name(row.image), None, row.reason, row.image)


def _whole_image(image: ImageRef) -> str:
    """Make a thumbnail of what is in the file, perhaps an image without a face; empty if it cannot be read."""
    try:
        return "" if image.problem else thumbnail(read_ref(image)[0], CARD_SIDE)
    except ImageError:
        return ""
