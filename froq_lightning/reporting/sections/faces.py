"""The images at the ends of the rankings, small enough to be part of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from froq_lightning.evaluation.comparisons import Floats, Integers
from froq_lightning.metrics.layer_norm_table import CalibrationTable
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import CalibrationContext, EvaluationContext, Part, Reader, Section
from froq_lightning.reporting.sections.score_agreement import rank_shares
from froq_lightning.reporting.thumbnail import thumbnail

CALIBRATION_TEMPLATE = """\
{% from "macros.html" import ranking %}
<h2>Lowest and highest faces</h2>
<p>As the network saw them, degraded ones as they were degraded. The last row shows where score and label disagree
most: to the left faces that score too low for their label, to the right those that score too high.</p>
{{ ranking(faces, "lowest", "highest") }}
"""
EVALUATION_TEMPLATE = """\
{% from "macros.html" import ranking %}
<h2>Worst and best faces</h2>
<p>As the network sees them, with their quality.</p>
{% for data_set, faces in sets.items() %}
<h3 class="name">{{ data_set }}</h3>
{{ ranking(faces, "worst", "best") }}
{% endfor %}
"""


@dataclass(frozen=True)
class Portrait:
    """An image in a page: its name, its quality, and its pixels as a `data:` address."""

    key: str
    quality: float
    source: str


@dataclass(frozen=True)
class FaceRow:
    """The worst images by a method, the very worst first, and the best ones, the very best last."""

    worst: tuple[Portrait, ...]
    best: tuple[Portrait, ...]


def render_calibration(context: CalibrationContext) -> Iterator[Part]:
    """Show the ends by score, by label, and by the difference of the two, if there is a source to read from."""
    if context.read is None or not context.ends:
        return
    table, scores = context.calibration.table, context.calibration.selection.scores
    labels = table.pseudo_quality.double()
    rankings = {
        "quality score": scores,
        "pseudo-quality": labels,
        "rank of the score less rank of the pseudo-quality, in percentage points": 100
        * (rank_shares(scores) - rank_shares(labels)),
    }
    rows = face_rows(context.read, {name: _by_position(table, row) for name, row in rankings.items()}, context.ends)
    yield Part("faces", "Faces", fill(CALIBRATION_TEMPLATE, faces=rows))


def render_evaluation(context: EvaluationContext) -> Iterator[Part]:
    """Show the ends by every method, data set by data set."""
    if context.ends:
        sets = {
            data_set.name: face_rows(read, {name: data_set.qualities[name] for name in context.strokes}, context.ends)
            for data_set, read in zip(context.evaluation.sets, context.readers, strict=True)
        }
        yield Part("faces", "Faces", fill(EVALUATION_TEMPLATE, sets=sets))


CALIBRATION = Section("calibration", 50, render_calibration)
EVALUATION = Section("evaluation", 40, render_evaluation)


def face_rows(read: Reader, rankings: Mapping[str, Floats], ends: int) -> dict[str, FaceRow]:
    """Show the images at the ends of several rankings; each is read once.

    Args:
        read: gives an image by its position.
        rankings: `[N]` qualities of the images by name; NaN where one is missing.
        ends: number of images at either end, if there are so many.
    """
    read = cache(read)
    rows = {}
    for name, quality in rankings.items():
        worst, best = _ends(quality, ends)
        rows[name] = FaceRow(tuple(_portraits(read, quality, worst)), tuple(_portraits(read, quality, best)))
    return rows


def _by_position(table: CalibrationTable, values: Tensor) -> Floats:
    """Bring `[N]` values of the images that were used to their positions in the data set; NaN for the others."""
    whole = torch.full((len(values) + len(table.missing),), torch.nan, dtype=torch.float64)
    whole[table.sample_index] = values
    return whole.numpy()


def _ends(quality: Floats, ends: int) -> tuple[Integers, Integers]:
    order = np.argsort(quality, kind="stable")
    order = order[np.isfinite(quality[order])]
    count = min(ends, len(order) // 2)
    return order[:count], order[len(order) - count :]


def _portraits(read: Reader, quality: Floats, places: Integers) -> Iterator[Portrait]:
    for index in places.tolist():
        sample = read(index)
        if sample.image is not None:
            pixels = sample.image.permute(1, 2, 0).numpy()
            yield Portrait(sample.key, float(quality[index]), thumbnail(pixels))
