"""After `test`: one HTML page with the tables, curves, distributions, times and faces of the evaluation."""

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks.evaluation_summary import caveats
from froq_lightning.callbacks.evaluation_writer import evaluation_of
from froq_lightning.callbacks.output_writer import trial_data
from froq_lightning.callbacks.results_table import MEAN
from froq_lightning.evaluation.outcome import EvaluatedSet
from froq_lightning.reporting.page import fill, render_page
from froq_lightning.reporting.report import Report
from froq_lightning.reporting.section import EvaluationContext

WARNING = "Results of different conventions, thresholds or comparison trials cannot be compared."
HEADLINE = """\
{% from "macros.html" import many %}
<p class="eyebrow">Evaluation of face-image quality</p>
<h1>How well quality foretells the errors of <span class="name">{{ evaluation.backbone }}</span></h1>
<p class="lead">{{ many(evaluation.methods | length, "quality method") }} on {{ many(evaluation.sets | length,
"data set") }}.
Comparison trials with the worst quality are discarded first; a quality that foretells errors brings the false
non-match rate (FNMR) down quickly.</p>
"""
FACTS = """\
{% for table in tables[:1] %}
{% for method, cells in table.rows if cells[-1].best %}
<div><dt>Best by {{ table.convention.name }} at FMR {{ "%g" | format(table.fmr) }}</dt>
<dd>{{ method }}<small>{{ table.text(cells[-1].value) }} {{ "on average" if table.columns[-1] == mean else
"on " ~ table.columns[-1] }}; {{ "higher" if table.convention.higher_is_better else "lower" }} is
better</small></dd></div>
{% endfor %}
{% endfor %}
{% for data_set, (mated, non_mated) in sets %}
<div><dt>{{ data_set.name }}</dt>
<dd>{{ data_set.images | count }} images<small>{{ mated | count }} mated, {{ non_mated | count }}
non-mated trials{% if data_set.left_out %}; {{ data_set.left_out | length | count }} images left out{% endif
%}</small></dd></div>
{% endfor %}
<div><dt>Bare forward pass</dt>
<dd>{{ evaluation.pass_milliseconds | short }} ms<small>per image, median of the batches</small></dd></div>
"""


class EvaluationReport(Report):
    """Writes what `test` found; see `Report`."""

    title = "Face-image quality on "

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not trainer.is_global_zero:
            return
        evaluation = evaluation_of(pl_module, type(self).__name__)
        data = trial_data(trainer, type(self).__name__)
        # The sets stand there once for every network.
        readers = [faces.__getitem__ for faces in data.sets] * (len(evaluation.sets) // len(data.sets))
        self.write(_page(EvaluationContext(evaluation, readers, self.faces)))


def _page(context: EvaluationContext) -> str:
    evaluation = context.evaluation
    return render_page(
        context,
        title=f"{EvaluationReport.title}{evaluation.backbone}",
        headline=fill(HEADLINE, evaluation=evaluation),
        facts=fill(
            FACTS,
            evaluation=evaluation,
            sets=[(data_set, _count_trials(data_set)) for data_set in evaluation.sets],
            tables=context.tables,
            mean=MEAN,
        ),
        caveats=caveats(evaluation),
        warning=WARNING,
    )


def _count_trials(data_set: EvaluatedSet) -> tuple[int, int]:
    mated = int(data_set.trials.mated.sum())
    return mated, len(data_set.trials.mated) - mated
