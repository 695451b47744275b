"""Which parts of the worst faces pull their scores down."""

from collections.abc import Iterator

import torch
from torch import Tensor

from froq_lightning.data.landmark_alignment import TEMPLATE_SIDE, TEMPLATES
from froq_lightning.methods.explanation import at_crop_size, quality_map
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import LIGHT
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.reporting.sections.predicted_faces import file_name
from froq_lightning.reporting.thumbnail import CARD_SIDE, Card, thumbnail
from froq_lightning.runs.quality_batch import ScoredRow

COLOUR = LIGHT[1]
OPACITY = 0.85
LANDMARKS = ("left eye", "right eye", "nose", "mouth", "mouth")
# How near a landmark a place is called by it, as a share of the side of the template.
NEAR = 1 / 7
TEMPLATE = """\
{% from "macros.html" import cards %}
<h2>What pulls the worst scores down</h2>
<p>Part after part of each of the worst faces was replaced by what a very coarse copy of the face has there. Where that
raises the score, the part pulls it down: an occluder, a shadow, a reflection. A face that is bad all over, such as a
blurred one, has hardly such a part, and little colour.</p>
<ul class="legend">
<li><i style="background: {{ colour }}; opacity: {{ opacity }}"></i>pulls down: full colour by {{ strongest | short }}
of the raw score, the most on these faces</li>
<li>no colour: does not</li>
</ul>
{{ cards(faces) }}
<p class="soft">Below each face is where its map is highest, and how high; left and right are those of the picture.</p>
"""


def render(context: PredictionContext) -> Iterator[Part]:
    """Show as many of the worst faces with their maps as the context says."""
    crops = list(_crops(context))
    observer, backbone = context.module.observer, context.module.backbone
    if not crops or observer is None:
        return
    images = torch.stack([crop for _, crop in crops])
    maps = quality_map(FroqQuality(observer), backbone, images.to(backbone.device), context.batch_size)
    strongest = float(maps.nan_to_num(0, 0, 0).max())
    strengths = at_crop_size(maps / max(strongest, 1e-12), backbone.preprocessing.size)
    faces = [
        Card(_picture(crop, strength), file_name(row.image), row.quality, _note(cells, context), row.image)
        for (row, crop), cells, strength in zip(crops, maps, strengths, strict=True)
        if cells.isfinite().all()
    ]
    content = fill(TEMPLATE, faces=faces, strongest=strongest, colour=COLOUR, opacity=OPACITY)
    yield Part("maps", "What pulls down", content)


SECTION = Section("prediction", 25, render)


def place(cells: Tensor, alignment: str) -> str:
    """Name the place of the largest value of a `[g, g]` map: the landmark that is near, or where in the picture."""
    down, across = ((at + 0.5) / cells.shape[-1] for at in divmod(int(cells.argmax()), cells.shape[-1]))
    if alignment in TEMPLATES:
        distances = (((TEMPLATES[alignment] + 0.5) / TEMPLATE_SIDE - (across, down)) ** 2).sum(axis=1) ** 0.5
        if distances.min() < NEAR:
            return LANDMARKS[distances.argmin()]
    words = ("upper", "", "lower")[int(3 * down)], ("left", "", "right")[int(3 * across)]
    return " ".join(filter(None, words)) or "middle"


def _note(cells: Tensor, context: PredictionContext) -> str:
    gain = float(cells.max())
    if gain <= 0:
        return "no part pulls it down"
    return f"{place(cells, context.module.preprocessing.alignment)}: {gain:.2g}"


def _crops(context: PredictionContext) -> Iterator[tuple[ScoredRow, Tensor]]:
    """Read the faces that are to be explained; those that can no longer be read are left out."""
    if context.read is None:
        return
    for row in context.worst_rows[: context.explained]:
        crop = context.read(row.sample_index).image
        if crop is not None:
            yield row, crop


def _picture(crop: Tensor, strength: Tensor) -> str:
    """Lay a map of `[H, W]` strengths, 1 for full colour, over a `[3, H, W]` uint8 crop."""
    colour = torch.tensor([int(COLOUR[at : at + 2], 16) for at in (1, 3, 5)]).view(3, 1, 1)
    share = OPACITY * strength.clamp(0, 1)
    covered = (1 - share) * crop + share * colour
    return thumbnail(covered.round().to(torch.uint8).permute(1, 2, 0).numpy(), CARD_SIDE)
