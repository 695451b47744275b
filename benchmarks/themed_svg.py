"""Figures as SVG files that follow the reader's light or dark theme, and hold the numbers that they show."""

import json
import re
from pathlib import Path
from typing import Any

from markupsafe import escape
from matplotlib.figure import Figure

from froq_lightning.reporting.chart import svg
from froq_lightning.reporting.palette import DARK_THEME, LIGHT_THEME, Theme

FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img"{attributes}>
<title>{title}</title>
<metadata>{numbers}</metadata>
<style>
:root {{ {light} }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
* {{ stroke-linejoin: round; }}
text {{ font-family: system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif !important; }}
</style>
<rect width="100%" height="100%" fill="var(--card)"/>
"""


def save(figure: Figure, path: Path, title: str, numbers: Any) -> None:
    """Write a figure, whose colours must be those of the light palette.

    Args:
        figure: of matplotlib.
        path: of the file.
        title: what it shows, for those who do not see it.
        numbers: that it was drawn from, as JSON values.
    """
    drawing = str(svg(figure, path.stem))
    attributes = re.match(r"<svg([^>]*)>", drawing)
    assert attributes is not None
    frame = FRAME.format(
        attributes=attributes[1],
        title=escape(title),
        numbers=escape(json.dumps(numbers)),
        light=_declarations(LIGHT_THEME),
        dark=_declarations(DARK_THEME),
    )
    path.write_text(frame + drawing[attributes.end() :].lstrip(), encoding="utf-8")


def numbers_in(path: Path) -> Any:
    """Return the numbers that a figure was drawn from."""
    found = re.search(r"<metadata>(.*?)</metadata>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"{path} holds no numbers"
    return json.loads(found[1].replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _declarations(theme: Theme) -> str:
    return " ".join(f"{name}: {colour};" for name, colour in theme.properties().items())
