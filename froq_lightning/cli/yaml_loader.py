"""YAML as the command line reads it: as jsonargparse does, but no key of a mapping may be given twice."""

from typing import Any

import yaml
from jsonargparse import get_loader, set_loader

from froq_lightning.errors import ConfigurationError

LOADER = get_loader("yaml")


class UniqueKeysLoader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Refuses a key that is given twice; PyYAML keeps only the last value and says nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping."""
        names = [key.value for key, _ in node.value]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise ConfigurationError(f"YAML text has the key {repeated!r} twice in one place; give it once")
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """Load YAML.

    Raises:
        ConfigurationError: if a key is given twice in one mapping.
        yaml.YAMLError: if it is no YAML, or has tags of Python's.
    """
    yaml.load(text, UniqueKeysLoader)  # noqa: S506 - a safe loader
    return LOADER(text)


def use_unique_keys() -> None:
    """Have jsonargparse refuse keys that are given twice."""
    set_loader("yaml", load_yaml, exceptions=(yaml.YAMLError,))
