"""The pages of the site as text: their blocks, and the commands in these."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def names() -> list[str]:
    """Names of all pages, as they are linked to without a suffix."""
    return sorted(page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md"))


def text(name: str) -> str:
    """Text of a page."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, *languages: str) -> list[tuple[str, str]]:
    """Languages and contents of the blocks of a page in these languages, in their order."""
    return [(language, content) for language, content in BLOCK.findall(text(name)) if language in languages]


def commands(block: str) -> list[list[str]]:
    """The commands of a block, without comments; a backslash continues a line."""
    lines = block.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]
