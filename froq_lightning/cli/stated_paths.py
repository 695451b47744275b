"""Paths among the options of a command, wherever they stand."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonargparse import Namespace


def with_home(value: Any) -> Any:
    """Replace a `~` or `~user` that begins a text, as a shell does where the path is a word of its own."""
    if isinstance(value, Namespace):
        for name, inner in list(vars(value).items()):
            setattr(value, name, with_home(inner))
        return value
    if isinstance(value, dict):
        return {name: with_home(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(with_home, value))
    return os.path.expanduser(value) if isinstance(value, str) else value  # noqa: PTH111 - stays text


def files_below(value: Any, name: str = "") -> Iterator[tuple[str, Path]]:
    """Yield every text that names an existing file, by the dotted name of its option."""
    if isinstance(value, (Namespace, dict)):
        named = vars(value) if isinstance(value, Namespace) else value
        for key, inner in named.items():
            yield from files_below(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from files_below(inner, f"{name}[{number}]")
    elif isinstance(value, str) and os.path.isfile(value):  # noqa: PTH113 - that of pathlib raises for some texts
        yield name, Path(value)
