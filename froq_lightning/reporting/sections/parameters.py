"""What a calibration was made with, and the parameters of the methods of an evaluation."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import CalibrationContext, EvaluationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import parameters %}
<h2>{{ title }}</h2>
<div class="parameters">
{% for name, values, refusal in entries %}
{{ parameters(name, values, refusal) }}
{% endfor %}
</div>
"""


def render_calibration(context: CalibrationContext) -> Iterator[Part]:
    """List the settings."""
    entries = [(title, values, "") for title, values in _settings(context.calibration.observer).items()]
    yield Part("settings", "Settings", fill(TEMPLATE, title="Settings", entries=entries))


def render_evaluation(context: EvaluationContext) -> Iterator[Part]:
    """List the parameters of the methods, and why a method cannot work."""
    entries = [(method.name, method.parameters, method.refusal) for method in context.evaluation.methods]
    yield Part("methods", "Methods", fill(TEMPLATE, title="Methods", entries=entries))


CALIBRATION = Section("calibration", 80, render_calibration)
EVALUATION = Section("evaluation", 70, render_evaluation)


def _settings(observer: Observer) -> Mapping[str, Mapping[str, Any]]:
    backbone, images = observer.backbone, observer.calibration_set
    return {
        "Network": {
            "name": backbone.name,
            **backbone.options,
            "distribution": f"{backbone.distribution} {backbone.version}",
            "weights": backbone.weights.source,
            "SHA-256": backbone.weights.sha256,
            "licence": backbone.weights.licence,
            **asdict(backbone.preprocessing),
        },
        "Selection": {"preset": observer.preset, **asdict(create_rule(observer.preset)), **asdict(observer.budget)},
        "Labels": images.labels,
        "Images": {"used": images.images, "left out": images.left_out, "degradations": images.degradations or "none"},
    }
