"""After `validate`: one HTML page with the layers, their cost, and the scores and faces of the calibration."""

from collections.abc import Iterator

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.callbacks.calibration_summary import caveats, describe_labels, headline
from froq_lightning.callbacks.observer_writer import calibrated
from froq_lightning.callbacks.output_writer import face_data
from froq_lightning.reporting.page import fill, render_page
from froq_lightning.reporting.report import Report
from froq_lightning.reporting.section import CalibrationContext

# Stands for the name of the network in the headline, which the page sets apart.
NAME = "\0"
WARNING = (
    "Scores of different observers cannot be compared; their scales 0 to 100 refer to their own calibration images."
)
HEADLINE = """\
{% from "macros.html" import many %}
<p class="eyebrow">Calibration of face-image quality</p>
<h1>{{ headline[0] }}<span class="name">{{ title }}</span>{{ headline[2] }}</h1>
<p class="lead">Spearman's rho with the pseudo-quality is {{ utility }} on images it has not seen (cross-validated),
and {{ "%.3f" | format(observer.set_utility) }} on the {{ many(used, "image") }} that the layers were chosen on{% if
cost is not none %}; reading {{ "it" if chosen == 1 else "them" }} takes {{ cost | share }} of a forward
pass{% endif %}.</p>
"""
FACTS = """\
{% from "macros.html" import many %}
<div><dt>Cross-validated rho</dt>
<dd>{{ "-" if utility.rho is none else "%.3f" | format(utility.rho) }}<small>Spearman's rho between quality scores and
pseudo-quality on images it has not seen, -1 to 1, higher is better; 95 % confidence interval {{ "%.2f to %.2f" |
format(*utility.interval) }} {% if utility.groups is none %}(Fisher){% else %}(bootstrap over {{ many(utility.groups,
"group") }} of images that stay together, such as those of a subject){% endif %}</small></dd></div>
<div><dt>In-sample rho</dt>
<dd>{{ "%.3f" | format(observer.set_utility) }}<small>on the very images that the layers were chosen
on</small></dd></div>
<div><dt>Cost of a score</dt>
<dd>{% if cost is none %}not known{% else %}{{ cost | share }}{% endif %}<small>of the time of a forward pass: a pass
for the score alone ends behind the deepest layer</small></dd></div>
<div><dt>Preset</dt><dd>{{ observer.preset }}<small>{{ rule }}</small></dd></div>
<div><dt>Budget</dt>
<dd>{% if observer.budget.max_cost == 1 and not observer.budget.tolerance %}none{% else %}{{ observer.budget.max_cost
| share }} of a pass{% endif %}<small>max_cost {{ "%g" | format(observer.budget.max_cost) }}, tolerance {{ "%g" |
format(observer.budget.tolerance) }}</small></dd></div>
<div><dt>Images</dt>
<dd>{{ used | count }}<small>{{ observer.calibration_set.left_out | count }} left out; {% if degradations %}{% if
degradations.get("copies") %}the images and {{ degradations.copies | count }} degraded {{ "copy" if
degradations.copies == 1 else "copies" }} of each{% endif %}{% if degradations.get("share") %}{{ ", " if
degradations.get("copies") }}{{ degradations.share | share }} degraded{% endif %} ({{ degradations.kinds | join(", ")
}}){% else %}none degraded on purpose{% endif %}</small></dd></div>
<div><dt>Pseudo-quality</dt>
<dd>{{ method | replace("_", " ") }}<small>{% if method == "given" %}labels that came with the images{% else %}labels
made by this method{% endif %}{% if label_note %}; {{ label_note }}{% endif %}; higher is better</small></dd></div>
"""


class CalibrationReport(Report):
    """Writes what `validate` found; see `Report`."""

    title = "Calibration of "

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not trainer.is_global_zero:
            return
        module, calibration = calibrated(pl_module, type(self).__name__)
        data = face_data(trainer)
        read = None if data is None else data.faces.__getitem__
        self.write(_page(CalibrationContext(calibration, module.backbone, read, self.faces)))


def _page(context: CalibrationContext) -> str:
    calibration, observer = context.calibration, context.calibration.observer
    title, images = observer.backbone.title(), observer.calibration_set
    values = {
        "observer": observer,
        "utility": calibration.selection.cross_validated,
        "cost": calibration.selection.cost,
        "used": images.images,
    }
    return render_page(
        context,
        title=f"{CalibrationReport.title}{title}",
        headline=fill(
            HEADLINE,
            title=title,
            headline=headline(calibration, NAME).partition(NAME),
            chosen=len(observer.layers),
            **values,
        ),
        facts=fill(
            FACTS,
            rule=_rule(observer),
            degradations=images.degradations,
            method=images.labels["method"],
            label_note=describe_labels(calibration),
            **values,
        ),
        caveats=[*caveats(calibration), *_more_caveats(context)],
        warning=WARNING,
    )


def _more_caveats(context: CalibrationContext) -> Iterator[str]:
    """Yield what a reader of the page should know besides."""
    yield (
        "Cross-validated rho is what to expect on images like these; in-sample rho is flattered, since the layers were "
        "chosen on the same images. froq test measures the scores on other images."
    )
    images, layers = context.calibration.observer.calibration_set, context.layers
    if images.left_out:
        yield f"{images.left_out} of {images.left_out + images.images} images could not be used."
    useless = sum(bool(layer.reason) for layer in layers)
    if useless:
        yield f"{useless} of {len(layers)} candidate layers could not be used; the table of all layers says why."
    copies = [layer.name for layer in layers if layer.chosen and layer.repeats]
    if copies:
        yield (
            f"Chosen layers that repeat others: {', '.join(copies)}. Where both are chosen, their norms weigh double "
            "in the score; the preset distinct folds them."
        )


def _rule(observer: Observer) -> str:
    preset = create_rule(observer.preset)
    repeats = "repeated layers folded" if preset.fold_repeats else "repeated layers kept"
    norms = "standardised norms" if observer.aggregation == "mean_standardised_norm" else "norms"
    mean = "weighted mean" if len({layer.weight for layer in observer.layers}) > 1 else "mean"
    return f"{repeats}; a score is the {mean} of the {norms} of the layers"
