"""Modules as source code: each is located and parsed at most once, and never imported."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder


class SourceError(Exception):
    """A module that does not exist, or is no Python that could be read."""


@dataclass(frozen=True)
class Source:
    """A module as its source tells of it; without statements if it is not written in Python.

    Args:
        module: its dotted name.
        is_package: whether relative imports in it start at the module itself.
        is_python: whether it was parsed.
        tree: its statements.
    """

    module: str
    is_package: bool
    is_python: bool
    tree: ast.Module

    def origin(self, node: ast.ImportFrom) -> str:
        """Return the full name of the module that a "from" statement imports from."""
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        parents = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*parents, *([node.module] if node.module else [])])

    @cached_property
    def aliases(self) -> tuple[tuple[str, str, str], ...]:
        """Of the module's own imports: (name, module it comes from, name there or "")."""
        return tuple(self._aliases())

    def _aliases(self) -> Iterator[tuple[str, str, str]]:
        for node in self.tree.body:
            if isinstance(node, ast.Import):
                yield from ((alias.asname or alias.name.partition(".")[0], alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((alias.asname or alias.name, self.origin(node), alias.name) for alias in node.names)

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that the module defines, assigns or imports anywhere."""
        names = set()
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.alias):
                names.add(node.asname or node.name.partition(".")[0])
        return frozenset(names)

    @cached_property
    def may_bind_more(self) -> bool:
        """Whether the module can have names that its source does not show."""
        # Only `import *` binds this name, as an alias is an identifier elsewhere.
        starred = "*" in self.bound
        dynamic = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in self.tree.body)
        return starred or dynamic or not self.is_python


class Sources:
    """The modules that can be imported, as source code. What was found once is not looked for again."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}
        self._sources: dict[str, Source] = {}
        self._imports: dict[str, tuple[str, ...]] = {}

    def locate(self, module: str) -> ModuleSpec | None:
        """Find a module as an import would, but without importing the packages that it lies in."""
        if module not in self._specs:
            self._specs[module] = self._find(module)
        return self._specs[module]

    def read(self, module: str) -> Source:
        """Parse a module.

        Raises:
            SourceError: if there is no such module, or its file is no valid Python.
        """
        if module not in self._sources:
            self._sources[module] = self._parse(module)
        return self._sources[module]

    def imports(self, module: str) -> tuple[str, ...]:
        """Return the modules that a module imports whenever it is imported: not within functions, `try` or `if`.

        Raises:
            SourceError: if the module cannot be read.
        """
        if module not in self._imports:
            self._imports[module] = tuple(self._imported(self.read(module)))
        return self._imports[module]

    def _find(self, module: str) -> ModuleSpec | None:
        package, dot, name = module.rpartition(".")
        if not name:
            return None
        path = None
        if dot:
            parent = self.locate(package)
            if parent is None or parent.submodule_search_locations is None:
                return None
            path = parent.submodule_search_locations
        try:
            return next(
                (spec for finder in sys.meta_path if (spec := finder.find_spec(module, path)) is not None), None
            )
        except KeyError:  # a namespace package asks for its parent among the imported modules
            return PathFinder.find_spec(name, path)

    def _parse(self, module: str) -> Source:
        spec = self.locate(module)
        if spec is None:
            raise SourceError(f"there is no module {module!r}")
        is_package = spec.submodule_search_locations is not None
        if spec.origin is None or not spec.origin.endswith(".py"):
            return Source(module, is_package, False, ast.Module([], []))
        try:
            with open(spec.origin, "rb") as file:  # noqa: PTH123 - a place that the import system names
                return Source(module, is_package, True, ast.parse(file.read(), spec.origin))
        except (SyntaxError, ValueError) as error:
            line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise SourceError(f"{module} is no valid Python{line}: {error.args[0]}") from error
        except OSError as error:
            raise SourceError(f"{module} cannot be read: {error}") from error

    def _imported(self, source: Source) -> Iterator[str]:
        for node in source.tree.body:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
                origin = source.origin(node)
                yield origin
                submodules = (f"{origin}.{alias.name}" for alias in node.names)
                yield from (name for name in submodules if self.locate(name) is not None)
