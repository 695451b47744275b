"""Formulas as SVG in the colour of the text: they look alike in every browser, and need no script, font or network."""

from xml.etree import ElementTree as ET

import ziafont
import ziamath
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

# In pixels, as the text of the theme.
SIZE = 17
# Glyphs as paths where they stand: those that are defined once have names, which two formulas would share.
ziafont.config.svg2 = False


def drawn(formula: str, *, within_text: bool) -> str:
    """Return a formula in LaTeX as an SVG element that stands on the line of the text."""
    image = ziamath.Latex(formula, size=SIZE, color="currentColor", inline=within_text)
    element = image.svgxml()
    element.set("role", "img")
    element.set("aria-label", formula)
    element.set("style", f"vertical-align: {image.getyofst():.2f}px")
    return ET.tostring(element, encoding="unicode")


def inline(writer: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(drawn(node.astext(), within_text=True))
    raise nodes.SkipNode


def block(writer: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own."""
    writer.body.append(f'<div class="formula">{drawn(node.astext(), within_text=False)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the writer, and choose it."""
    app.add_html_math_renderer("svg", (inline, None), (block, None))
    app.config.html_math_renderer = "svg"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
