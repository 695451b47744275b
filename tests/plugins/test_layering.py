"""A plugin imports the contracts of what it brings, and the errors, so that all other modules may change."""

import ast
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
CONTRACTS = {
    "froq_lightning.backbones.published",
    "froq_lightning.backbones.spec",
    "froq_lightning.errors",
    "froq_lightning.methods.quality_method",
}
SOURCES = sorted(PLUGINS.glob("*/src/**/*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=[str(path.relative_to(PLUGINS)) for path in SOURCES])
def test_a_plugin_imports_the_contracts_and_nothing_else(source: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    ours = {name for name in imported if name.partition(".")[0] == "froq_lightning"}
    assert ours <= CONTRACTS
