"""Which parts of the worst faces pull their scores down."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from froq_lightning.data.landmark_alignment import TEMPLATE_SIDE, TEMPLATES
from froq_lightning.methods.explanation import at_crop_size, quality_map
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.palette import LIGHT
from froq_lightning.reporting.section import Part, PredictionContext, Section
from froq_lightning.reporting.thumbnail import thumbnail
from froq_lightning.runs.quality_batch import ScoredRow

SIDE = 112
COLOUR = LIGHT[1]
OPACITY = 0.8
LANDMARKS = ("left eye", "right eye", "nose", "mouth", "mouth")
# How near a landmark is a part that is called by it, as a share of the template.
NEAR = 1 / 7
TEMPLATE = """\
<h2>What pulls the scores of the worst faces down</h2>
<p>Each part of a face was replaced in turn by what a very coarse copy of the face has there, and the face scored again.
Where the score rises, that part pulls it down: an occluder, a shadow, a reflection. A face that is bad all over, such
as a blurred one, has no such part, and stays almost without colour.</p>
<ul class="legend">
<li><i style="background: {{ colour }}; opacity: {{ opacity }}"></i>raises the raw score by {{ strongest | short }}, the
most on these faces; paler: by less; no colour: not at all</li>
</ul>
<div class="grid" style="grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr))">
{% for face in faces %}
<figure>
<img src="{{ face.source }}" alt="" style="display: block; width: 100%; height: auto; border-radius: 5px">
<figcaption class="name">{{ face.row.image }}</figcaption>
<p class="soft">Quality {{ face.row.quality }}.
{% if face.gain > 0 %}
Most harm: {{ face.place }}, {{ face.gain | short }}.
{% else %}
No part pulls it down.
{% endif %}
</p>
</figure>
{% endfor %}
</div>
<p class="soft">Left: the face as the network saw it; right: the same under its map. Left and right are those of the
picture.</p>
"""


@dataclass(frozen=True)
class MappedFace:
    """A face with its map.

    Args:
        row: of it.
        source: address of the picture: the face, and beside it the same under its map.
        gain: largest value of the map, in units of the raw score.
        place: of that value, in words.
    """

    row: ScoredRow
    source: str
    gain: float
    place: str


def render(context: PredictionContext) -> Iterator[Part]:
    """Show the worst faces with their maps, as many as the context says."""
    crops = dict(_crops(context))
    observer, backbone = context.module.observer, context.module.backbone
    if not crops or observer is None:
        return
    images = torch.stack(list(crops.values()))
    maps = quality_map(FroqQuality(observer), backbone, images.to(backbone.device), context.batch_size)
    gains = maps.amax(dim=(1, 2))
    strongest = float(gains[gains.isfinite()].max()) if gains.isfinite().any() else 0.0
    overlays = at_crop_size(maps, backbone.preprocessing.size)
    alignment = backbone.preprocessing.alignment
    faces = [
        MappedFace(
            row=row,
            source=_picture(crop, overlay / max(strongest, 1e-12)),
            gain=gain,
            place=place(cells, alignment),
        )
        for (row, crop), cells, overlay, gain in zip(crops.items(), maps, overlays, gains.tolist(), strict=True)
        if cells.isfinite().all()
    ]
    content = fill(TEMPLATE, faces=faces, strongest=strongest, colour=COLOUR, opacity=OPACITY)
    yield Part("maps", "What pulls scores down", content)


SECTION = Section("prediction", 25, render)


def place(cells: Tensor, alignment: str) -> str:
    """Say where the largest value of a `[g, g]` map lies, by the nearest landmark of the alignment or by the ninth."""
    grid = cells.shape[-1]
    down, across = ((at + 0.5) / grid for at in divmod(int(cells.argmax()), grid))
    if alignment in TEMPLATES:
        distances = ((TEMPLATES[alignment] / TEMPLATE_SIDE - (across, down)) ** 2).sum(axis=1) ** 0.5
        if distances.min() < NEAR:
            return LANDMARKS[distances.argmin()]
    words = [("upper", "", "lower")[int(3 * down)], ("left", "", "right")[int(3 * across)]]
    return " ".join(filter(None, words)) or "middle"


def _crops(context: PredictionContext) -> Iterator[tuple[ScoredRow, Tensor]]:
    """Read the faces that are to be explained; those that can no longer be read are left out."""
    if context.read is None:
        return
    for row in context.worst_rows[: context.explained]:
        crop = context.read(row.sample_index).image
        if crop is not None:
            yield row, crop


def _picture(crop: Tensor, strength: Tensor) -> str:
    """Lay a map of `[H, W]` strengths, 1 for full colour, over the `[3, H, W]` crop, and put both side by side."""
    colour = torch.tensor([int(COLOUR[at : at + 2], 16) for at in (1, 3, 5)]).view(3, 1, 1)
    share = OPACITY * strength.clamp(0, 1)
    covered = (1 - share) * crop + share * colour
    both = torch.cat([crop, covered.round().to(torch.uint8)], dim=2)
    return thumbnail(both.permute(1, 2, 0).numpy(), 2 * SIDE)
