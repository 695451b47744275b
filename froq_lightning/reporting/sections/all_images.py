"""A table of all images with search and filters, whose rows a script of the page shows on demand."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

# Rows on a page; of more images the worst ones. A browser opens a page of so many within seconds.
MOST_ROWS = 200_000
# Those with a list of texts in the data are there if one of these is not empty.
COLUMNS = {
    "quality": "Quality",
    "image": "Image",
    "subject": "Subject",
    "score": "Raw score",
    "defect": "Defects",
    "remark": "Remark",
}
TEMPLATE = """\
{% from "macros.html" import many %}
<h2>All images</h2>
{% if images > most %}
<p>Of {{ images | count }} images, the {{ most | count }} that failed or scored lowest; the file of scores has all.</p>
{% endif %}
<p class="needs-script">This table needs JavaScript, which does not run here. The file of scores has the same rows.</p>
<div class="finder" hidden>
<div class="filters" role="search" aria-label="Images">
<label class="wide">Search<input type="search" id="find-text" autocomplete="off" spellcheck="false"
placeholder="name{{ ", subject" if "subject" in columns }}{{ ", defect" if defects }} or remark"></label>
<label>Status<select id="find-status">
<option value="all">all</option><option value="ok">scored</option>
{% if "remark" in columns %}<option value="remark">scored, with a remark</option>{% endif %}
<option value="failed">failed</option>
{% if "subject" in columns %}<option value="best">best of its subject</option>{% endif %}
</select></label>
{% if defects %}
<label>Defect<select id="find-defect"><option value="">any or none</option>
{% for defect in defects %}
<option>{{ defect }}</option>
{% endfor %}
</select></label>
{% endif %}
<label>Quality from<input type="number" id="find-low" min="0" max="100" placeholder="0"></label>
<label>to<input type="number" id="find-high" min="0" max="100" placeholder="100"></label>
<button type="button" id="find-reset">Reset</button>
</div>
<p class="soft" id="find-count" role="status"></p>
<div class="scroll"><table class="images" id="find-table" role="table">
<thead role="rowgroup"><tr role="row">
{% for column, title in columns.items() %}
<th scope="col" role="columnheader" class="{{ column }}">
<button type="button" data-column="{{ column }}">{{ title }}</button></th>
{% endfor %}
</tr></thead>
<tbody role="rowgroup"></tbody>
</table></div>
<div class="pages" role="group" aria-label="Pages of the table">
<button type="button" id="find-first">First</button><button type="button" id="find-previous">Previous</button>
<span id="find-page"></span>
<button type="button" id="find-next">Next</button><button type="button" id="find-last">Last</button>
</div>
</div>
"""


class TableRow(NamedTuple):
    """A row as the script takes it.

    Args:
        image: its name.
        quality: 0..100; -1 if the image failed.
        score: raw, to four digits; None if the image failed.
        remark: place of the reason or remark among the remarks.
        subject: place of the subject among the subjects.
        best: 1 if it is the best image of its subject, else 0.
        defects: places of its defects among the defects, the worst first.
    """

    image: str
    quality: int
    score: float | None
    remark: int
    subject: int
    best: int
    defects: tuple[int, ...]


class Numbers(dict[str, int]):
    """Numbers texts in the order in which they come, so that each stands on the page once."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the table."""
    data = table(context)
    columns = {name: title for name, title in COLUMNS.items() if any(data.get(f"{name}s", ["always"]))}
    content = fill(
        TEMPLATE, images=len(context.prediction), most=MOST_ROWS, columns=columns, defects=sorted(data["defects"])
    )
    script = (files("froq_lightning.reporting") / "prediction.js").read_text(encoding="utf-8")
    yield Part("images", "All images", content, script, data)


SECTION = Section("prediction", 60, render)


def table(context: PredictionContext) -> dict[str, Any]:
    """Return the rows for the script, in the order of the source, with what their numbers stand for."""
    remarks, subjects, defects = Numbers(), Numbers(), Numbers()
    rows = [table_row(context, row, remarks, subjects, defects) for row in _worst(context.prediction, MOST_ROWS)]
    texts = {"remarks": list(remarks), "subjects": list(subjects), "defects": list(defects)}
    return {"columns": TableRow._fields, **texts, "rows": rows}


def table_row(
    context: PredictionContext, row: ScoredRow, remarks: Numbers, subjects: Numbers, defects: Numbers
) -> TableRow:
    """Build a row; remarks, subjects and defects are numbered as they come."""
    subject = context.subject(row)
    best = context.summary.best_shots[subject].row if subject else None
    return TableRow(
        image=row.image,
        quality=row.quality,
        score=None if row.quality_score is None else round(row.quality_score, 4),
        remark=remarks[row.reason],
        subject=subjects[subject],
        best=int(best is not None and best.sample_index == row.sample_index),
        defects=tuple(map(defects.__getitem__, row.defects)),
    )


def _worst(prediction: Prediction, most: int) -> Iterator[ScoredRow]:
    """Yield the rows in their order; of more than `most` those that failed or scored lowest."""
    if len(prediction) <= most:
        yield from prediction.rows()
        return
    scores = np.fromiter(map(_score, prediction.rows()), np.float64, len(prediction))
    chosen = np.zeros(len(scores), np.bool_)
    chosen[np.argsort(scores, kind="stable")[:most]] = True
    yield from (row for row, is_chosen in zip(prediction.rows(), chosen.tolist(), strict=True) if is_chosen)


def _score(row: ScoredRow) -> float:
    return -np.inf if row.quality_score is None else row.quality_score
