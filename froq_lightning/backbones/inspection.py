"""Why a registered factory cannot work, as far as its source code tells. Nothing is imported or run.

A package that is listed must not be able to break the list, or slow it down: its modules are located and parsed, but
never executed. What shows only when code runs is told by `froq backbones check`.
"""

import ast
import builtins
from collections.abc import Iterator, Sequence

from froq_lightning.backbones.sources import SourceError, Sources

# Packages of which no function or class returns a Backbone.
FOREIGN = ("numpy", "timm", "torch", "torchvision")
LITERALS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp)


class DefectError(Exception):
    """What is visibly wrong with a factory."""


def defect(target: str, *, of_backbones: bool = True, sources: Sources | None = None) -> str:
    """Return why "module:object" cannot be a factory; empty if its source shows no reason.

    Args:
        target: as the entry point states it.
        of_backbones: whether the factory is to return a Backbone.
        sources: what was read for other factories, so that it is not read again.
    """
    module, _, attribute = target.partition(":")
    name = attribute.partition(".")[0]
    sources = sources or Sources()
    try:
        _require_importable(module, sources)
        if of_backbones:
            _require_backbone(module, name, sources)
        else:
            _definition(module, name, sources)
    except (DefectError, SourceError) as error:
        return str(error)
    return ""


def _require_importable(module: str, sources: Sources) -> None:
    """Parse a module, its parents and what it imports of its own package; look up what it imports of others."""
    package = module.partition(".")[0]
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        for parent in _with_parents(name):
            if parent not in seen:
                seen.add(parent)
                imported = sources.imports(parent)
                for needed in (part for other in imported for part in _with_parents(other)):
                    if sources.locate(needed) is None:
                        raise DefectError(f"needs {needed!r}, which is not installed")
                waiting += [other for other in imported if other.partition(".")[0] == package]


def _require_backbone(module: str, name: str, sources: Sources) -> None:
    """Follow a name to its definition, and look at what it returns."""
    home, node = _definition(module, name, sources)
    if isinstance(node, ast.Assign) and isinstance(node.value, LITERALS):
        raise DefectError(f"{module}:{name} is not callable")
    if isinstance(node, ast.ClassDef):
        _refuse(node.bases, home, f"{name} is a class, and no Backbone", sources)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        returned = [value.value for value in _within(node) if isinstance(value, ast.Return)]
        annotated = [] if node.returns is None else [node.returns]
        for expression in (*annotated, *returned):
            _require_possible(expression, home, name, sources)
        yields = any(isinstance(value, (ast.Yield, ast.YieldFrom)) for value in _within(node))
        raises = any(isinstance(value, ast.Raise) for value in node.body)
        if not returned and not raises and not yields:
            raise DefectError(f"{name} returns nothing, instead of a Backbone")


def _require_possible(expression: ast.expr | None, module: str, name: str, sources: Sources) -> None:
    if expression is None or isinstance(expression, LITERALS):
        value = "nothing" if expression is None else ast.unparse(expression)
        if not (isinstance(expression, ast.Constant) and "Backbone" in str(expression.value)):  # a quoted annotation
            raise DefectError(f"{name} returns {value[:40]}, instead of a Backbone")
    called = expression.func if isinstance(expression, ast.Call) else expression
    if called is not None and isinstance(called, (ast.Name, ast.Attribute)):
        _refuse([called], module, f"{name} returns {ast.unparse(called)}, instead of a Backbone", sources)


def _refuse(names: Sequence[ast.expr], module: str, reason: str, sources: Sources) -> None:
    """Raise the reason if one of the names belongs to a package, a builtin or a class that is no Backbone."""
    source = sources.read(module)
    origins = {alias: origin for alias, origin, _ in source.aliases}
    waiting, seen = list(names), set()
    while waiting:
        root = ast.unparse(waiting.pop()).partition(".")[0]
        if root in seen:  # a class may be based on another one of its name
            continue
        seen.add(root)
        _, node = _definition(module, root, sources) if root in source.bound else (module, None)
        package = origins.get(root, root).partition(".")[0]
        if package in FOREIGN or (root in vars(builtins) and node is None):
            raise DefectError(reason)
        if isinstance(node, ast.ClassDef):
            waiting += node.bases


def _definition(module: str, name: str, sources: Sources) -> tuple[str, ast.stmt | None]:
    """Return the module and statement that define a name, through imports of the same package; None if unknown."""
    for _ in range(8):
        source = sources.read(module)
        if source.may_bind_more:
            return module, None
        if name not in source.bound:
            raise DefectError(f"{module} has no {name!r}")
        for node in source.tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
                return module, node
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == name for target in node.targets):
                return module, node
        origins = [(origin, original) for alias, origin, original in source.aliases if alias == name and original]
        if not origins or origins[0][0].partition(".")[0] != module.partition(".")[0]:
            return module, None
        module, name = origins[0]
    return module, None


def _within(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, but not those of functions in it."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield from _within(node)


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
