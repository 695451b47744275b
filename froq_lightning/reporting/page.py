"""The pages of all reports: one template for what they have in common, and how numbers are written in them."""

import math
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from froq_lightning.reporting.palette import DARK, LIGHT


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template; the result is one HTML document that needs nothing else, and in which every name stays text."""
    environment = Environment(
        loader=PackageLoader("froq_lightning", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "percent": _percent, "share": _share, "short": _short}
    environment.filters |= {"knob": _knob, "dotted": _dotted}
    environment.globals |= {
        "version": metadata.version("froq-lightning"),
        "palettes": {"light": LIGHT, "dark": DARK},
    }
    return environment.get_template(template).render(context)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if math.isfinite(share) else "-"


def _share(share: float) -> str:
    """Write a share to three digits, for a glance."""
    return f"{100 * share:.3g}\u00a0%"


def _dotted(name: str) -> Markup:
    """Let a dotted name break behind its dots."""
    return escape(name).replace(".", Markup(".<wbr>"))


def _short(number: float) -> str:
    return f"{number:.4g}" if math.isfinite(number) else "-"


def _knob(value: Any) -> str:
    """Write a parameter; of a long list the first values."""
    if isinstance(value, (list, tuple)):
        shown = ", ".join(_knob(item) for item in value[:8])
        return f"{shown}, … ({len(value)} in all)" if len(value) > 8 else shown
    if isinstance(value, dict):
        return ", ".join(f"{key} {_knob(inner)}" for key, inner in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
