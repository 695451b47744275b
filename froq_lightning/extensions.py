"""Extensions, found through entry points: everything that has a name in a configuration.

Backbones, published weights, aligners, sources, quality methods, selection rules, output formats and report sections
are registered in an entry-point group each: the built-in ones in this project's `pyproject.toml`, others in that of
their own distribution.
Finding an extension imports nothing, not even torch; using one imports only that one.
"""

import configparser
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import entrypoints

from froq_lightning.errors import ConfigurationError, ExtensionError, UnknownNameError

BACKBONES = "froq_lightning.backbones"
ALIGNERS = "froq_lightning.aligners"
SOURCES = "froq_lightning.sources"
METHODS = "froq_lightning.methods"
RULES = "froq_lightning.rules"
FORMATS = "froq_lightning.formats"
SECTIONS = "froq_lightning.sections"
WEIGHTS = "froq_lightning.weights"


@dataclass(frozen=True)
class Extension:
    """A name that an installed distribution registered, and the `target` ("module:object") behind it."""

    name: str
    target: str
    distribution: str

    @property
    def version(self) -> str:
        """Version of the distribution, "unknown" where it left none."""
        return self._metadata("Version")

    @property
    def licence(self) -> str:
        """Licence that the distribution states for its code."""
        stated = self._metadata("License-Expression")
        return stated if stated != "unknown" else self._metadata("License").splitlines()[0]

    def _metadata(self, field: str) -> str:
        try:
            stated = metadata.metadata(self.distribution)
        except (metadata.PackageNotFoundError, UnicodeDecodeError):
            return "unknown"
        return (str(stated[field]).strip() if field in stated else "") or "unknown"

    def load(self) -> Any:
        """Import the target.

        Raises:
            ExtensionError: if it cannot be imported, with the reason.
        """
        module, _, attribute = self.target.partition(":")
        try:
            found: Any = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:  # whatever a foreign package raises on import
            raise ExtensionError(
                f"{self.name!r} of {self.distribution} cannot be imported: {describe(error)}"
            ) from error
        return found

    def create(self, /, *args: Any, **options: Any) -> Any:
        """Import and call a factory, with options checked against its signature.

        Raises:
            ConfigurationError: for an option that it does not take or misses.
            ExtensionError: if it cannot be imported, or is not callable.
        """
        factory = self.load()
        if not callable(factory):
            raise ExtensionError(f"{self.name!r} of {self.distribution}: {self.target} is not callable")
        signature = inspect.signature(factory)
        try:
            signature.bind(*args, **options)
        except TypeError as error:
            known = ", ".join(name for name in signature.parameters if name not in ("options", "kwargs"))
            raise ConfigurationError(f"options of {self.name!r}: {error}; it takes: {known or 'none'}") from error
        return factory(*args, **options)


@dataclass(frozen=True)
class Problem:
    """A registration that cannot be used: where it stands, and why."""

    where: str
    reason: str


@dataclass(frozen=True)
class Discovery:
    """All usable registrations of a group by name, and the unusable ones."""

    plugins: dict[str, Extension]
    problems: tuple[Problem, ...]


def discover(group: str, path: Sequence[str] | None = None) -> Discovery:
    """Find the registrations of a group on `path` (default: `sys.path`), importing none.

    Identical registrations fold into one. A name with two different targets, and an entry that cannot be read, are
    problems; they never hide the other registrations.
    """
    found: dict[str, list[Extension]] = {}
    problems: list[Problem] = []
    for folder in dict.fromkeys(sys.path if path is None else path):
        for item in _in_folder(group, folder):
            if isinstance(item, Problem):
                problems.append(item)
            elif item.target not in (known.target for known in found.setdefault(item.name, [])):
                found[item.name].append(item)
    problems += [_conflict(same) for same in found.values() if len(same) > 1]
    plugins = {name: same[0] for name, same in sorted(found.items()) if len(same) == 1}
    return Discovery(plugins, tuple(problems))


def find(group: str, name: str, path: Sequence[str] | None = None) -> Extension:
    """Return the registration of that name.

    Raises:
        UnknownNameError: if there is none; the text gives the nearest names.
        ExtensionError: if several distributions claim the name.
    """
    discovery = discover(group, path)
    if name in discovery.plugins:
        return discovery.plugins[name]
    for problem in discovery.problems:
        if problem.where == name:
            raise ExtensionError(f"{name!r} {problem.reason}")
    raise UnknownNameError.among(group.rsplit(".", 1)[-1].removesuffix("s"), name, discovery.plugins)


def load_all(group: str, path: Sequence[str] | None = None) -> dict[str, Any]:
    """Import the target of every registration; return them by name.

    What cannot be imported or is registered wrongly is left out, with a warning that names it and the reason.
    """
    discovery, loaded = discover(group, path), dict[str, Any]()
    left_out = [f"{problem.where!r} {problem.reason}" for problem in discovery.problems]
    for name, extension in discovery.plugins.items():
        try:
            loaded[name] = extension.load()
        except ExtensionError as error:
            left_out.append(str(error))
    for reason in left_out:
        warnings.warn(f"left out of {group}: {reason}", stacklevel=2)
    return loaded


def describe(error: BaseException) -> str:
    """Tell an error of foreign code by its class and the first line of its text."""
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _in_folder(group: str, folder: str) -> Iterator[Extension | Problem]:
    """Yield the registrations of one folder; where anything is wrong, file by file, so that it costs only itself."""
    try:
        found = list(_read(lambda: entrypoints.get_group_all(group, path=[folder]), folder))
        readable = not any(isinstance(item, Problem) for item in found)
    except (configparser.Error, UnicodeDecodeError, OSError):
        readable = False
    if readable:
        yield from found
        return
    for pattern in ("*.dist-info", "*.egg-info"):
        for info in sorted(Path(folder).glob(f"{pattern}/entry_points.txt")):
            yield from _in_file(group, info)


def _in_file(group: str, file: Path) -> Iterator[Extension | Problem]:
    parser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",))
    distribution = entrypoints.Distribution.from_name_version(file.parent.stem)
    try:
        parser.read_string(file.read_text(encoding="utf-8"), source=str(file))
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        yield Problem(distribution.name, f"has an unreadable entry_points.txt ({file}): {describe(error)}")
        return
    stated = parser[group].items() if group in parser else ()
    yield from _read(lambda: [_parsed(name, target, distribution) for name, target in stated], distribution.name)


def _parsed(name: str, target: str, distribution: Any) -> Any:
    with entrypoints.BadEntryPoint.err_to_warnings():
        return entrypoints.EntryPoint.from_string(target, name, distribution)


def _read(entries: Callable[[], list[Any]], where: str) -> Iterator[Extension | Problem]:
    """Turn the entries of the library into ours, and its warnings about malformed ones into problems."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = entries()
    for warning in caught:
        yield Problem(where, f"has a malformed entry: {warning.message}")
    for entry in found:
        if entry is not None and not entry.object_name:
            yield Problem(
                entry.distro.name, f"has a malformed entry: {entry.name} names no object of {entry.module_name}"
            )
        elif entry is not None:
            target = f"{entry.module_name}:{entry.object_name}"
            yield Extension(entry.name, target, entry.distro.name.replace("_", "-"))


def _conflict(same: list[Extension]) -> Problem:
    claims = " and ".join(f"{plugin.distribution} ({plugin.target})" for plugin in same)
    return Problem(same[0].name, f"is claimed by {claims}; uninstall one of them")
