"""What YAML may make of itself: a few lines of aliases would be billions of values, a line of brackets a deep stack."""

import re
from typing import Any

import yaml
from jsonargparse import get_loader, set_loader

from froq_lightning.errors import ConfigurationError

MOST_CHARACTERS = 2**20
MOST_VALUES = 10_000
DEEPEST = 50
LONGEST_NUMBER = 20
# Whole numbers, decimal or hexadecimal or so, and those with base 60; fractions may be longer.
NUMBER = re.compile(r"[-+]?(?:0[xob])?[0-9a-fA-F_]+|[-+]?[0-9_]+(?::[0-9_.]*)+")
LOADER = get_loader("yaml")
SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def limit_yaml() -> None:
    """Have every YAML text that the command line parses checked first."""
    set_loader("yaml", load_yaml, exceptions=(yaml.YAMLError,))


def load_yaml(text: str) -> Any:
    """Load YAML without tags of Python's.

    Raises:
        ConfigurationError: if it is too long, too deep, its aliases stand for too many values, or a key is given twice.
        yaml.YAMLError: if it is no such YAML.
    """
    try:
        _check(text)
        _require_keys_once(yaml.compose(text, Loader=SAFE))
        return LOADER(text)
    except ConfigurationError:
        raise
    except yaml.YAMLError:
        raise
    except Exception as error:  # whatever stumbles over texts that are no UTF-8
        raise yaml.YAMLError(str(error)) from error


def _check(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise ConfigurationError(f"YAML text has more than {MOST_CHARACTERS:,} characters")
    sizes: dict[str, int] = {}  # by anchor, in values
    depth = values = 0
    anchored: list[tuple[str | None, int]] = []  # of the collections around: their anchor, and the values before them
    for event in yaml.parse(text, Loader=SAFE):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ConfigurationError(f"YAML text has the alias *{event.anchor} before or within what it stands for")
            values += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            _check_scalar(event)
            values += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, yaml.CollectionStartEvent):
            anchored.append((event.anchor, values))
            values, depth = values + 1, depth + 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = anchored.pop()
            sizes |= {anchor: values - before} if anchor else {}
            depth -= 1
        if values > MOST_VALUES or depth > DEEPEST:
            what = f"more than {MOST_VALUES:,} values" if values > MOST_VALUES else f"more than {DEEPEST} levels"
            raise ConfigurationError(f"YAML text has {what}, counting what its aliases stand for")


def _require_keys_once(node: yaml.Node | None) -> None:
    """Refuse a mapping that gives a key twice, of which YAML would drop the first without a word."""
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigurationError(f"YAML text has the key {twice!r} twice in one place; give it once")
        for _, value in node.value:
            _require_keys_once(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _require_keys_once(value)


def _check_scalar(event: yaml.ScalarEvent) -> None:
    """Refuse tags, which no configuration needs, and numbers that take long to read, or that share one hash."""
    if event.tag is not None and not any(event.implicit):
        raise yaml.YAMLError(f"it has the tag {event.tag!r}")
    if event.implicit[0] and len(event.value) > LONGEST_NUMBER and NUMBER.fullmatch(event.value):
        raise yaml.YAMLError(f"it has a number of {len(event.value):,} characters")
