"""After `predict`: one HTML page with the best, worst and failed faces, and a table of all images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from markupsafe import Markup

from froq_lightning.calibration import observer_warnings
from froq_lightning.callbacks.output_writer import face_data
from froq_lightning.callbacks.quality_writer import predicted
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.names import escape_name
from froq_lightning.reporting.page import fill, render_page
from froq_lightning.reporting.report import Report
from froq_lightning.reporting.section import PredictionContext
from froq_lightning.runs.trainer_options import limits

WARNING = "Scores of different networks or Observers cannot be compared."
# Of the worst faces on a page, whose pictures are part of it.
MOST_WORST = 200
HEADLINE = """\
{% from "macros.html" import many %}
<p class="eyebrow">Face-image quality</p>
<h1>{{ many(summary.images, "image") }} of <span class="name">{{ source | breakable }}</span></h1>
<p class="lead">{% if summary.scored > 1 %}Half of those that could be scored have a quality of {{
summary.quantile(0.5) }} or less. {% elif not summary.scored %}No image could be scored. {% endif %}
Quality tells how well the network will recognise a face: higher is better.</p>
"""
FACTS = """\
{% from "macros.html" import many %}
<div><dt>Scored</dt><dd>{{ summary.scored | count }}<small>of {{ summary.images | count }} images</small></dd></div>
<div><dt>Failed</dt><dd>{{ summary.failed | count }}<small>{% if summary.failed %}for {{ many(summary.reasons
| length, "reason") }}, named below{% else %}every image was scored{% endif %}</small></dd></div>
{% if summary.scored %}
<div><dt>Median quality</dt><dd>{{ summary.quantile(0.5) }}<small>the middle half from {{ summary.quantile(0.25)
}} to {{ summary.quantile(0.75) }}</small></dd></div>
{% endif %}
<div><dt>Scale</dt><dd>0 to 100<small>the percentage of the {{ observer.calibration_set.images | count }} calibration
faces, degraded copies among them, that scored lower; higher is better</small></dd></div>
<div><dt>Network</dt><dd class="words">{{ network.name }}<small>{% for option, value in network.options.items() %}{{
option }} {{ value | parameter }}; {% endfor %}{{ size[1] }} x {{ size[0] }} crops</small></dd></div>
<div><dt>Observer</dt><dd class="words">{{ name }}<small>{{ many(observer.layers | length, "layer") }}, preset {{
observer.preset }}; Spearman's rho with the labels {% if rho.rho is none %}not known{% else %}{{ "%.2f" |
format(rho.rho) }} (95 % confidence interval {{ "%.2f to %.2f" | format(*rho.interval) }}){% endif
%}</small></dd></div>
"""


class PredictionReport(Report):
    """Writes what `predict` found; behind a QualityWriter. See `Report`.

    Args:
        path: of the page.
        faces: number of best, and of worst, images shown; 0 for none.
        worst: number of worst images shown, at most 200, if it is another one.
        explained: of these, number of the worst that are shown with maps of what pulls their scores down, at 170 passes
            each.
    """

    title = "Quality scores of "

    def __init__(self, path: str | Path, faces: int = 24, worst: int | None = None, explained: int = 0) -> None:
        super().__init__(path, faces)
        if worst is not None and worst < 1:
            raise ConfigurationError(f"Expected `worst` to be at least 1, but got {worst}")
        self.worst = min(faces if worst is None else worst, MOST_WORST)
        self.explained = explained

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the faces that are shown again, and write the page."""
        if not trainer.is_global_zero:
            return
        prediction = predicted(trainer, type(self).__name__)
        if not isinstance(pl_module, FroqModule):
            raise ConfigurationError(f"PredictionReport works with FroqModule, not {type(pl_module).__name__}")
        shown = self.faces, self.worst, self.explained
        context = PredictionContext(prediction, pl_module, _faces(trainer), *shown, _batch_size(trainer))
        data = face_data(trainer)
        source = "a data set" if data is None else Path(data.source).absolute().name or data.source
        self.write(_page(context, escape_name(source), list(_caveats(trainer, pl_module))))


def _page(context: PredictionContext, source: str, caveats: list[str]) -> str:
    return render_page(
        context,
        title=f"{PredictionReport.title}{source}",
        headline=fill(HEADLINE, source=source, summary=context.summary),
        facts=_facts(context),
        caveats=caveats,
        warning=WARNING,
    )


def _facts(context: PredictionContext) -> Markup:
    module = context.module
    observer = module.observer or module.read_observer()
    name = Path(module.observer_path).name if module.observer_path else "not from a file"
    return fill(
        FACTS,
        summary=context.summary,
        observer=observer,
        rho=observer.agreement,
        name=name,
        network=module.identity,
        size=module.preprocessing.size,
    )


def _faces(trainer: Trainer) -> FaceDataset | None:
    """Return the images of the run; None if they come from something else than one FaceDataset."""
    loader: Any = trainer.predict_dataloaders
    dataset = getattr(loader, "dataset", None)
    return dataset if isinstance(dataset, FaceDataset) else None


def _batch_size(trainer: Trainer) -> int:
    """Return the batch size of the run; 32 where its loader has none."""
    size = getattr(trainer.predict_dataloaders, "batch_size", None)
    return size if isinstance(size, int) else 32


def _caveats(trainer: Trainer, module: FroqModule) -> Iterator[str]:
    """Yield what a reader of the page should know besides."""
    if module.observer is not None:
        known = observer_warnings.agreement_warning(module.observer), observer_warnings.scale_warning(module.observer)
        yield from filter(None, known)
    for name, limit in limits(trainer, "predict").items():
        yield f"trainer.{name} {limit}: not all images were asked for."
