"""The best image of each subject: who is there without a good one."""

from collections.abc import Iterator

from froq_lightning.reporting.page import fill
from froq_lightning.reporting.prediction_summary import BestShot
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.reporting.sections.predicted_faces import picture
from froq_lightning.reporting.thumbnail import Card

SUBJECTS_SHOWN = 32
# Qualities below which a best image is counted.
LOW = (20, 40)
TEMPLATE = """\
{% from "macros.html" import cards, many %}
<h2>Best image of each subject</h2>
<p>{{ many(subjects, "subject") }}{% if without %}, of which {{ without | count }} {{ "has" if without == 1 else "have"
}} no image that could be scored{% endif %}. {% for quality, number in low %}{{ number | count }} {{ "has" if number ==
1 else "have" }} none of quality {{ quality }} or more{{ ", " if not loop.last }}{% endfor %}.
The subjects whose best image is the worst come first{% if subjects > shown | length %}, {{ shown | length }} of them;
the table of all images shows the others{% endif %}.</p>
{{ cards(shown) }}
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the best images, if subjects are known and images are shown at all."""
    best_shots = context.summary.best_shots
    if not best_shots or not context.ends:
        return
    ranked = sorted(best_shots.items(), key=lambda entry: _score(entry[1]))
    shown = [_card(context, subject, best) for subject, best in ranked[:SUBJECTS_SHOWN]]
    qualities = [-1 if best.row is None else best.row.quality for best in best_shots.values()]
    content = fill(
        TEMPLATE,
        subjects=len(best_shots),
        without=qualities.count(-1),
        low=[(low, sum(quality < low for quality in qualities)) for low in LOW],
        shown=shown,
    )
    yield Part("subjects", "Subjects", content)


SECTION = Section("prediction", 40, render)


def _score(best: BestShot) -> float:
    return -float("inf") if best.row is None or best.row.quality_score is None else best.row.quality_score


def _card(context: PredictionContext, subject: str, best: BestShot) -> Card:
    if best.row is None:
        return Card("", subject, note="1 image failed" if best.images == 1 else f"all {best.images} images failed")
    count = "the only image" if best.images == 1 else f"best of {best.images} images"
    return Card(picture(context, best.row), subject, best.row.quality, count, best.row.image)
