"""How two runs differ, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_NAMED = 3
MOST_CHARACTERS = 48


def differences(there: Mapping[str, Any], here: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield, for every value that is not the same in both, its dotted name and the two values."""
    for key in {**there, **here}:
        one, other = there.get(key), here.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differences(one, other, f"{path}{key}.")
        elif one != other:
            yield f"{path}{key} was {_told(one)}, now is {_told(other)}"


def list_difference(there: Sequence[str], here: Sequence[str]) -> str:
    """Say which names came and went."""
    gone, new = sorted(set(there) - set(here)), sorted(set(here) - set(there))
    parts = [f"{len(names):,} {what} ({_first(names)})" for what, names in (("gone", gone), ("new", new)) if names]
    return ", ".join(parts) or "in another order"


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
