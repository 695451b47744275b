"""Why a registered factory cannot work, as far as its source code tells. Nothing is imported or run.

A package that is listed must not be able to break the list, or slow it down: its modules are located and parsed, but
never executed. What shows only when code runs is told by `froq backbones check`.
"""

import ast
import builtins
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec

# Packages of which no function or class returns a Backbone.
FOREIGN = ("numpy", "timm", "torch", "torchvision")
LITERALS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp)


class DefectError(Exception):
    """What is visibly wrong with a factory."""


def defect(target: str, *, of_backbones: bool = True) -> str:
    """Return why "module:object" cannot be a factory; empty if its source shows no reason.

    Args:
        target: as the entry point states it.
        of_backbones: whether the factory is to return a Backbone.
    """
    module, _, attribute = target.partition(":")
    name = attribute.partition(".")[0]
    try:
        _require_importable(module)
        if of_backbones:
            _require_backbone(module, name)
        else:
            _definition(module, name)
    except DefectError as error:
        return str(error)
    return ""


def _require_importable(module: str) -> None:
    """Parse a module, its parents and what it imports of its own package; look up what it imports of others."""
    package = module.partition(".")[0]
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        for parent in _with_parents(name):
            if parent not in seen:
                seen.add(parent)
                imported = list(_imports(parent))
                for needed in (part for other in imported for part in _with_parents(other)):
                    if _locate(needed) is None:
                        raise DefectError(f"needs {needed!r}, which is not installed")
                waiting += [other for other in imported if other.partition(".")[0] == package]


def _require_backbone(module: str, name: str) -> None:
    """Follow a name to its definition, and look at what it returns."""
    home, node = _definition(module, name)
    if isinstance(node, ast.Assign) and isinstance(node.value, LITERALS):
        raise DefectError(f"{module}:{name} is not callable")
    if isinstance(node, ast.ClassDef):
        _refuse(node.bases, home, f"{name} is a class, and no Backbone")
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        returned = [value.value for value in _within(node) if isinstance(value, ast.Return)]
        annotated = [] if node.returns is None else [node.returns]
        for expression in (*annotated, *returned):
            _require_possible(expression, home, name)
        yields = any(isinstance(value, (ast.Yield, ast.YieldFrom)) for value in _within(node))
        raises = any(isinstance(value, ast.Raise) for value in node.body)
        if not returned and not raises and not yields:
            raise DefectError(f"{name} returns nothing, instead of a Backbone")


def _require_possible(expression: ast.expr | None, module: str, name: str) -> None:
    if expression is None or isinstance(expression, LITERALS):
        value = "nothing" if expression is None else ast.unparse(expression)
        if not (isinstance(expression, ast.Constant) and "Backbone" in str(expression.value)):  # a quoted annotation
            raise DefectError(f"{name} returns {value[:40]}, instead of a Backbone")
    called = expression.func if isinstance(expression, ast.Call) else expression
    if called is not None and isinstance(called, (ast.Name, ast.Attribute)):
        _refuse([called], module, f"{name} returns {ast.unparse(called)}, instead of a Backbone")


def _refuse(names: list[ast.expr], module: str, reason: str) -> None:
    """Raise the reason if one of the names belongs to a package, a builtin or a class that is no Backbone."""
    for expression in names:
        root = ast.unparse(expression).partition(".")[0]
        bound = {alias: source for alias, source, _ in _aliases(module)}
        source = bound.get(root, root)
        _, node = _definition(module, root) if root in _bound(module) else (module, None)
        if source.partition(".")[0] in FOREIGN or (root in vars(builtins) and node is None):
            raise DefectError(reason)
        if isinstance(node, ast.ClassDef) and node.bases:
            _refuse(node.bases, module, reason)


def _definition(module: str, name: str) -> tuple[str, ast.stmt | None]:
    """Return the module and statement that define a name, through imports of the same package; None if unknown."""
    for _ in range(8):
        tree = _tree(module)
        if tree is None or _binds_dynamically(tree):
            return module, None
        if name not in _bound(module):
            raise DefectError(f"{module} has no {name!r}")
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
                return module, node
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == name for target in node.targets):
                return module, node
        origins = [(source, original) for alias, source, original in _aliases(module) if alias == name and original]
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


def _imports(module: str) -> Iterator[str]:
    """Yield the modules that a module imports whenever it is imported: not within functions, `try` or `if`."""
    tree = _tree(module)
    for node in tree.body if tree else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            source = _source(node, module)
            yield source
            submodules = (f"{source}.{alias.name}" for alias in node.names)
            yield from (name for name in submodules if _locate(name) is not None)


def _aliases(module: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, module it comes from, name there or "") for the imports of a module."""
    tree = _tree(module)
    for node in tree.body if tree else ():
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name.partition(".")[0], alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, _source(node, module), alias.name) for alias in node.names)


def _source(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    spec = _locate(module)
    inside = spec is not None and spec.submodule_search_locations is not None
    parts = module.split(".")
    parents = parts[: len(parts) - node.level + inside]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _bound(module: str) -> set[str]:
    """Names that a module defines, assigns or imports anywhere."""
    names = set()
    for node in ast.walk(_tree(module) or ast.Module([], [])):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
    return names


def _binds_dynamically(tree: ast.Module) -> bool:
    starred = (alias.name == "*" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names)
    return any(starred) or any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)


def _tree(module: str) -> ast.Module | None:
    """Parse a module; None for one that is not written in Python."""
    spec = _locate(module)
    if spec is None:
        raise DefectError(f"there is no module {module!r}")
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        with open(spec.origin, "rb") as file:  # noqa: PTH123 - a place that the import system names
            return ast.parse(file.read(), spec.origin)
    except (SyntaxError, ValueError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise DefectError(f"{module} is no valid Python{line}: {error.args[0]}") from error
    except OSError as error:
        raise DefectError(f"{module} cannot be read: {error}") from error


def _locate(module: str) -> ModuleSpec | None:
    """Find a module as an import would, but without importing the packages that it lies in."""
    spec = None
    for name in _with_parents(module):
        path = spec and spec.submodule_search_locations
        if spec is not None and path is None:
            return None
        spec = next((found for finder in sys.meta_path if (found := finder.find_spec(name, path)) is not None), None)
        if spec is None:
            return None
    return spec


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
