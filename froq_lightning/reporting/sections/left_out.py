"""Images that were left out, and why."""

from collections.abc import Iterator

from froq_lightning.callbacks.calibration_summary import unlabelled_counts
from froq_lightning.callbacks.evaluation_summary import left_out
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import CalibrationContext, EvaluationContext, Part, Section
from froq_lightning.terminal import printable

FAILURES_SHOWN = 50
CALIBRATION_TEMPLATE = """\
{% from "macros.html" import listed %}
<h2>Images left out</h2>
{% if failures %}
{{ listed(failures) }}
{% else %}
<p>None: every image was used.</p>
{% endif %}
"""
EVALUATION_TEMPLATE = """\
{% from "macros.html" import listed %}
<h2>Images left out</h2>
{% if sets %}
<p>They gave no embedding; their comparison trials are not counted.</p>
{% for data_set, failures in sets.items() %}
<h3 class="name">{{ data_set }}</h3>
{{ listed(failures) }}
{% endfor %}
{% else %}
<p>None: every image gave an embedding.</p>
{% endif %}
"""


def render_calibration(context: CalibrationContext) -> Iterator[Part]:
    """List the images that were not used."""
    samples = list(context.calibration.left_out.values())
    failures = [printable(f"{sample.key}: {sample.note}") for sample in samples[:FAILURES_SHOWN]]
    more = [f"… and {len(samples) - FAILURES_SHOWN} more"] if len(samples) > FAILURES_SHOWN else []
    lines = [*unlabelled_counts(context.calibration), *failures, *more]
    yield Part("failures", "Images left out", fill(CALIBRATION_TEMPLATE, failures=lines))


def render_evaluation(context: EvaluationContext) -> Iterator[Part]:
    """List the images without an embedding, data set by data set."""
    sets = {data_set.name: left_out(data_set, FAILURES_SHOWN) for data_set in context.evaluation.sets}
    lines = {name: failures for name, failures in sets.items() if failures}
    yield Part("failures", "Failures", fill(EVALUATION_TEMPLATE, sets=lines))


CALIBRATION = Section("calibration", 60, render_calibration)
EVALUATION = Section("evaluation", 60, render_evaluation)
