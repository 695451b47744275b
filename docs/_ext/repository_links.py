"""Links between files of the repository, on pages where these files are pages themselves.

The README and other files outside `docs/` are read on their own as well as on the site, so their links lead to files.
Here such a link leads to the page that includes the file, or to the file in the repository, `repository` of conf.py.
"""

import os
import re
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

PAGES = {
    "benchmarks/README.md": "benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/README.md": "examples.md",
    "README.md": "index.md",
    "SECURITY.md": "security.md",
}
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def rewritten(text: str, folder: PurePosixPath, repository: str) -> str:
    """Return Markdown with the links of a file in that folder of the repository as the site wants them."""

    def link(found: re.Match[str]) -> str:
        path = PurePosixPath(os.path.normpath(folder / found["path"])).as_posix()
        elsewhere = path.removeprefix("docs/") if path.startswith("docs/") else f"{repository}/blob/main/{path}"
        return f"{found['image']}[{found['text']}]({PAGES.get(path, elsewhere)}{found['anchor'] or ''})"

    return LINK.sub(link, text)


def read_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Mend the links of a page at the top of `docs/` that lead out of it."""
    if "/" not in name:
        source[0] = rewritten(source[0], PurePosixPath("docs"), app.config.repository)


def read_included(app: Sphinx, path: Path, parent: str, source: list[str]) -> None:
    """Mend the links of an included file."""
    del parent
    folder = PurePosixPath(os.path.normpath(PurePosixPath("docs") / path.as_posix())).parent
    source[0] = rewritten(source[0], folder, app.config.repository)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to what Sphinx reads."""
    app.add_config_value("repository", "", "env")
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
