"""The documentation site: `sphinx-build -W --keep-going -b html docs build/site`."""

import sys
from importlib.metadata import metadata
from pathlib import Path

from froq_lightning.reporting.palette import DARK_THEME, LIGHT_THEME, Theme

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

stated = metadata("froq-lightning")
project, release = stated["Name"], stated["Version"]
version = release
author = "the authors of froq-lightning"
addresses = dict(url.split(", ") for url in stated.get_all("Project-URL", []))
repository = addresses["Repository"]
extensions = [
    "formulas",
    "myst_nb",
    "repository_links",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_ext", "_static"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

# Docstrings are written in Google style, with names between single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_rtype = False


def colours(theme: Theme) -> dict[str, str]:
    """Return the variables of furo's style, and those that our charts are drawn with."""
    ours = {name.removeprefix("--"): colour for name, colour in theme.properties().items()}
    furo = {
        "color-brand-primary": theme.accent,
        "color-brand-content": theme.accent,
        "color-brand-visited": theme.accent,
        "color-background-primary": theme.paper,
        "color-background-secondary": theme.card,
        "color-background-border": theme.line,
        "color-foreground-primary": theme.ink,
        "color-foreground-secondary": theme.soft,
        "color-inline-code-background": theme.card,
        "color-card-background": theme.card,
        "color-card-border": theme.line,
        "sd-color-card-background": theme.card,
        "sd-color-card-border": theme.line,
        "sd-color-card-border-hover": theme.accent,
        "sd-color-card-text": theme.ink,
    }
    return ours | furo


html_theme = "furo"
html_title = "froq-lightning"
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["llms.txt"]
html_baseurl = addresses["Documentation"].rstrip("/") + "/"
html_copy_source = False
html_use_index = False
html_domain_indices = False
html_show_copyright = False
html_theme_options = {
    "source_repository": repository,
    "source_branch": "main",
    "source_directory": "docs/",
    "light_css_variables": colours(LIGHT_THEME),
    "dark_css_variables": colours(DARK_THEME),
}
