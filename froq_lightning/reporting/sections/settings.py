"""What a calibration was made with."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import CalibrationContext, Part, Section

TEMPLATE = """\
{% from "macros.html" import parameters %}
<h2>Settings</h2>
<div class="parameters">
{% for title, values in settings.items() %}
{{ parameters(title, values) }}
{% endfor %}
</div>
"""


def render(context: CalibrationContext) -> Iterator[Part]:
    """List the settings."""
    yield Part("settings", "Settings", fill(TEMPLATE, settings=_settings(context.calibration.observer)))


SECTION = Section("calibration", 80, render)


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
