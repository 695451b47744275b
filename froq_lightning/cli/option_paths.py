"""Paths among the options of a command."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonargparse import Namespace


def expand_home(value: Any) -> Any:
    """Expand a `~` or `~user` at the beginning of every text, as a shell does only where the path is a whole word."""
    if isinstance(value, Namespace):
        for name, inner in list(vars(value).items()):
            setattr(value, name, expand_home(inner))
        return value
    if isinstance(value, dict):
        return {name: expand_home(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(expand_home, value))
    return os.path.expanduser(value) if isinstance(value, str) else value  # noqa: PTH111 - stays text


def find_files(value: Any, name: str = "") -> Iterator[tuple[str, Path]]:
    """Yield every text that is the path of an existing file, with the dotted name of its option."""
    if isinstance(value, (Namespace, dict)):
        options = vars(value) if isinstance(value, Namespace) else value
        for key, inner in options.items():
            yield from find_files(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from find_files(inner, f"{name}[{number}]")
    elif isinstance(value, str) and os.path.isfile(value):  # noqa: PTH113 - that of pathlib raises for some texts
        yield name, Path(value)
