"""After `test`: one HTML page with the tables, curves, distributions, times and faces of the evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks.evaluation_summary import caveats
from froq_lightning.callbacks.evaluation_writer import evaluation_of
from froq_lightning.callbacks.results_table import MEAN, ResultsTable
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.outcome import EvaluatedSet
from froq_lightning.reporting.page import fill, render_page
from froq_lightning.reporting.report import Report
from froq_lightning.reporting.section import EvaluationContext

WARNING = "Figures of different conventions, thresholds or comparison trials cannot be compared."
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
{% if winner %}
<div><dt>Best by {{ winner.table.convention.name }} at FMR {{ "%g" | format(winner.table.fmr) }}</dt>
<dd>{{ winner.method }}<small>{{ winner.table.text(winner.value) }} {{ "on average" if winner.column == mean else
"on " ~ winner.column }}; {{ "higher" if winner.table.convention.higher_is_better else "lower" }} is
better</small></dd></div>
{% endif %}
{% for data_set, (mated, non_mated) in sets %}
<div><dt>{{ data_set.name }}</dt>
<dd>{{ data_set.images | count }} images<small>{{ mated | count }} mated, {{ non_mated | count }}
non-mated trials{% if data_set.left_out %}; {{ data_set.left_out | length | count }} images left out{% endif
%}</small></dd></div>
{% endfor %}
<div><dt>Bare forward pass</dt>
<dd>{{ evaluation.pass_milliseconds | short }} ms<small>per image, median of the batches</small></dd></div>
"""


@dataclass(frozen=True)
class Winner:
    """The best method of a column of a table."""

    method: str
    table: ResultsTable
    column: str
    value: float


class EvaluationReport(Report):
    """Writes what `test` found; see `Report`."""

    title = "Face-image quality on "

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page."""
        if not trainer.is_global_zero:
            return
        evaluation = evaluation_of(pl_module, type(self).__name__)
        data = trainer.datamodule  # type: ignore[attr-defined]  # set where annotations do not reach
        if not isinstance(data, TrialDataModule):
            raise ConfigurationError(f"EvaluationReport works with TrialDataModule, not {type(data).__name__}")
        readers = [faces.__getitem__ for faces in data.sets]
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
            winner=_winner(context.tables),
            mean=MEAN,
        ),
        caveats=caveats(evaluation),
        warning=WARNING,
    )


def _winner(tables: Sequence[ResultsTable]) -> Winner | None:
    """Find the method that is known to be best in the first table: on average, or on a single data set."""
    found = (
        Winner(method, table, table.columns[-1], cells[-1].value)
        for table in tables[:1]
        for method, cells in table.rows
        if cells[-1].best
    )
    return next(found, None)


def _count_trials(data_set: EvaluatedSet) -> tuple[int, int]:
    """Count mated and non-mated trials."""
    mated = int(data_set.trials.mated.sum())
    return mated, len(data_set.trials.mated) - mated
