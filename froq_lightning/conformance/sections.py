"""What the tests of a report section call to know that it keeps its contract."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

from markupsafe import Markup

from froq_lightning.errors import ExtensionError
from froq_lightning.reporting.section import PAGES, Context, Part, Section

ACTIVE = {"script", "iframe", "object", "embed", "link", "base", "form"}
ANCHOR = re.compile(r"[A-Za-z][\w-]*")
# What a page may show or lead to: pictures that are part of it, and places in it.
INSIDE = re.compile(r"data:image/|#")


class _Elements(HTMLParser):
    """Collects what could run code, and the addresses that a browser would ask for."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.active: list[str] = []
        self.addresses: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.active += [tag] if tag in ACTIVE else []
        for name, value in attrs:
            self.active += [f"{tag} {name}"] if name.startswith("on") else []
            if name in ("src", "href", "xlink:href", "srcset") and not INSIDE.match(value or ""):
                self.addresses.append(value or "")
            if "url(" in (value or "") and "url(#" not in (value or ""):
                self.addresses.append(value or "")


def check_section(section: Section, context: Context) -> Sequence[Part]:
    """Check that a section keeps its contract, and return its parts.

    Checked are: the anchors; that names stay text; that nothing is asked of a network, and no script stands in the
    content; that the section copes with a page without faces; and that the same context gives the same parts.

    Args:
        section: to check.
        context: of a real run. Give data sets, methods, layers or files names such as `<img src=x onerror=alert(1)>`:
            only a name that could break out shows that names are escaped.

    Raises:
        ExtensionError: saying what is wrong.
    """
    page = PAGES[type(context)]
    if section.page != page:
        raise ExtensionError(f"Expected a context of the page {section.page!r}, but got one of {page!r}")
    parts = list(section.render(context))
    anchors = [part.anchor for part in parts]
    if len(set(anchors)) < len(anchors) or not all(map(ANCHOR.fullmatch, anchors)):
        raise ExtensionError(f"Expected unique anchors of letters, digits and hyphens, but got {anchors}")
    for part in parts:
        _check_content(part)
    if list(section.render(context)) != parts:
        raise ExtensionError("the same context gives other parts the second time")
    list(section.render(replace(context, ends=0)))
    return parts


def _check_content(part: Part) -> None:
    if not isinstance(part.content, Markup):
        kind = type(part.content).__name__
        raise ExtensionError(f"Expected the content of #{part.anchor} to be Markup, as of `page.fill`, but got {kind}")
    elements = _Elements(part.content)
    if elements.active:
        raise ExtensionError(f"#{part.anchor} has {elements.active[0]!r}, a script or a name that is not escaped")
    if elements.addresses:
        raise ExtensionError(f"#{part.anchor} asks for {elements.addresses[0]!r}, which is no part of the page")
    if "</script" in part.script.lower() or "<!--" in part.script:
        raise ExtensionError(f"the script of #{part.anchor} holds '</script' or '<!--', which ends it early in HTML")
    try:
        json.dumps(part.data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ExtensionError(f"the data of #{part.anchor} are no JSON values: {error}") from error
