"""The parameters of the quality methods of an evaluation."""

from collections.abc import Iterator

from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import EvaluationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import parameters %}
<h2>Methods</h2>
<div class="parameters">
{% for method in methods %}
{{ parameters(method.name, method.parameters, method.refusal) }}
{% endfor %}
</div>
"""


def render(context: EvaluationContext) -> Iterator[Part]:
    """List the parameters, and why a method cannot work."""
    yield Part("methods", "Methods", fill(TEMPLATE, methods=context.evaluation.methods))


SECTION = Section("evaluation", 70, render)
