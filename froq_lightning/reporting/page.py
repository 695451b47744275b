"""HTML of all reports: the frame of a page, templates in which every name stays text, and how numbers are written."""

import base64
import hashlib
import json
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from froq_lightning.extensions import SECTIONS, describe, load_all
from froq_lightning.reporting.palette import DARK_THEME, LIGHT_THEME
from froq_lightning.reporting.section import PAGES, Context, Part

LIST_SHOWN = 8


def render_page(
    context: Context,
    *,
    title: str,
    headline: Markup,
    facts: Markup,
    caveats: Sequence[str],
    warning: str,
) -> str:
    """Build a page: one HTML document that needs nothing else.

    Args:
        context: for the sections.
        title: of the document.
        headline: HTML at the top of the page.
        facts: HTML of a definition list, for a glance.
        caveats: what a reader should know besides the numbers.
        warning: at the bottom.
    """
    parts = list(_parts(context))
    frame = _environment().get_template("page.html")
    return frame.render(
        title=title,
        headline=headline,
        facts=facts,
        caveats=caveats,
        parts=parts,
        data={part.anchor: _json(part.data) for part in parts if part.data is not None},
        scripts=[(Markup(part.script), _hash(part.script)) for part in parts if part.script],  # noqa: S704 - code
        warning=warning,
        ends=context.ends,
        version=metadata.version("froq-lightning"),
        icon=_icon(),
        themes={"light": LIGHT_THEME.properties(), "dark": DARK_THEME.properties()},
    )


def fill(template: str, **values: Any) -> Markup:
    """Fill a Jinja template; values are escaped, but for Markup.

    There are the filters `count` (12 000), `percent` (12.34 %), `share` (12.3 %, of 0.123), `short` (four digits),
    `parameter` (of a configuration), `dotted` (a name that may break behind its dots) and `breakable` (behind its
    underscores and hyphens), and the macros of `macros.html`.
    """
    return Markup(_environment().from_string(template).render(values))  # noqa: S704 - escaped by the environment


def _json(data: Any) -> Markup:
    """Write JSON that stays text within a `<script>`, whatever names are in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":  # stand only in strings; others that matter to HTML or JavaScript are not ASCII
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


@cache
def _icon() -> str:
    """Return the logo as a data URL: a page asks for no other file."""
    drawing = (resources.files("froq_lightning.reporting") / "logo.svg").read_bytes()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing).decode('ascii')}"


def _hash(script: str) -> str:
    """Return the name of a script in a policy: its SHA-256 (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"


def _parts(context: Context) -> Iterator[Part]:
    """Yield the parts of all sections in their order; a section that fails is left out with a warning."""
    page = PAGES[type(context)]
    sections = {name: section for name, section in load_all(SECTIONS).items() if section.page == page}
    if not sections:
        hint = "entry points are read from the metadata of the package: install it again"
        warnings.warn(f"no section of the {page} page is installed, so that it shows nothing; {hint}", stacklevel=2)
    for name, section in sorted(sections.items(), key=lambda entry: entry[1].position):
        try:
            yield from list(section.render(context))
        except Exception as error:  # whatever a foreign section raises: the others are shown
            warnings.warn(f"section {name!r} is left out of the report: {describe(error)}", stacklevel=2)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("froq_lightning", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (_count, _percent, _share, _short, _parameter, _dotted, _breakable)
    environment.filters |= {function.__name__.removeprefix("_"): function for function in filters}
    return environment


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if math.isfinite(share) else "-"


def _share(share: float | None) -> str:
    """Write a share to three digits, for a glance; a dash if it is not known."""
    return "-" if share is None else f"{100 * share:.3g}\u00a0%"


def _dotted(name: str) -> Markup:
    return escape(name).replace(".", Markup(".<wbr>"))


def _breakable(name: str) -> Markup:
    """Let a name break behind what parts its words, before it breaks within one."""
    return Markup("<wbr>").join(re.split(r"(?<=[_-])", name))


def _short(number: float) -> str:
    return f"{number:.4g}" if math.isfinite(number) else "-"


def _parameter(value: Any) -> str:
    """Write the value of a parameter; of a long list the first items."""
    if isinstance(value, (list, tuple)):
        shown = ", ".join(_parameter(item) for item in value[:LIST_SHOWN])
        return f"{shown}, … ({len(value)} in all)" if len(value) > LIST_SHOWN else shown
    if isinstance(value, dict):
        return ", ".join(f"{key} {_parameter(inner)}" for key, inner in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
