"""Finds state dicts in a checkpoint by their content: mappings from names to tensors, wherever they are."""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from froq_lightning.errors import WeightsError

# Entries in which training scripts keep a network's weights, the likeliest first.
USUAL = (
    "state_dict",
    "net_state_dict",
    "model_state_dict",
    "state_dict_backbone",
    "model",
    "backbone",
)
# Words in the names of weights that are averaged over training.
AVERAGED = frozenset({"ema", "swa", "averaged", "average", "shadow", "momentum"})
MAX_DEPTH = 6
OPTIMISER = {"state", "param_groups"}  # entries of an optimiser's state
MAX_NAME_LENGTH = 200
# Parts of keys from wrapping a part of the network, to compile it or to train in parallel.
WRAPPER = re.compile(r"(?<![^.])(_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")


@dataclass(frozen=True)
class StateDict:
    """Tensors by name, and the path of entries to them in the checkpoint; empty for the checkpoint itself."""

    entries: tuple[str, ...]
    tensors: dict[str, Tensor]

    @property
    def is_usual(self) -> bool:
        """Whether it is at a usual entry, or is the checkpoint itself."""
        return all(entry in USUAL for entry in self.entries)

    def unwrapped(self) -> "StateDict":
        """Return it without the names of wrappers in its keys; unchanged if two keys would become the same."""
        tensors = {WRAPPER.sub("", key): value for key, value in self.tensors.items()}
        return StateDict(self.entries, tensors) if len(tensors) == len(self.tensors) else self

    def is_averaged(self, prefix: str = "") -> bool:
        """Whether its entries, or the prefix of its keys, say that it holds averaged weights."""
        return not AVERAGED.isdisjoint(re.split(r"[._]", ".".join([*self.entries, prefix]).lower()))


def find_state_dicts(checkpoint: Any, key: str | Sequence[str] | None, name: str) -> list[StateDict]:
    """Find the state dicts, the likeliest first: plain before averaged, usual entries first, then the most tensors.

    Args:
        checkpoint: what the file holds.
        key: the entry in which to look; or several entries, which make one state dict, in which "entry." precedes the
            keys of each.
        name: of the file, for errors.

    Raises:
        WeightsError: if there is none, or no such entry; or if it holds tensors that are no blocks of memory.
    """
    if key is not None and not isinstance(key, str):
        found = _joined(checkpoint, key, name)
    elif key is not None:
        found = [_state_dict(places, value) for places, value in _mappings(_entry(checkpoint, key, name))]
    else:
        found = [_state_dict(places, value) for places, value in _mappings(checkpoint)]
    found = [state for state in found if state.tensors]
    if not found:
        raise WeightsError(_without_tensors(checkpoint, name))
    odd = [
        key
        for state in found
        for key, value in state.tensors.items()
        if value.is_nested or value.layout is not torch.strided
    ]
    if odd:
        raise WeightsError(f"{name} holds sparse or nested tensors: {listed(odd)}")
    return sorted(found, key=_rank)


def listed(names: Any, count: int = 3) -> str:
    """Join the first names for a message."""
    names = list(names)
    return ", ".join(str(name)[:MAX_NAME_LENGTH] for name in names[:count]) + (", …" if len(names) > count else "")


def _rank(state: StateDict) -> tuple[bool, int, int]:
    place = USUAL.index(state.entries[0]) if state.entries and state.entries[0] in USUAL else len(USUAL)
    return state.is_averaged(), place, -len(state.tensors)


def _state_dict(entries: tuple[str, ...], content: Mapping[Any, Any]) -> StateDict:
    tensors = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    return StateDict(entries, tensors)


def _mappings(content: Any) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    """Yield every mapping once, with the path to it; not those of optimisers, whose keys may equal a network's."""
    whole = [((), content)] if isinstance(content, (Mapping, list, tuple)) else []
    waiting: deque[tuple[tuple[str, ...], Any]] = deque(whole)
    seen: set[int] = set()
    while waiting:
        places, value = waiting.popleft()
        if id(value) in seen or _is_optimiser(value):
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            yield places, value
        if len(places) < MAX_DEPTH:
            inner = value.items() if isinstance(value, Mapping) else enumerate(value)
            parts = [(name, part) for name, part in inner if isinstance(part, (Mapping, list, tuple))]
            waiting += [((*places, str(name)), part) for name, part in parts if isinstance(name, (str, int))]


def _is_optimiser(content: Any) -> bool:
    return isinstance(content, Mapping) and content.keys() >= OPTIMISER


def _joined(checkpoint: Any, keys: Sequence[str], name: str) -> list[StateDict]:
    """Join entries of one mapping, wherever in the checkpoint it is."""
    beside = [
        (places, [_state_dict((), value[key]).tensors for key in keys])
        for places, value in _mappings(checkpoint)
        if all(isinstance(value.get(key), Mapping) for key in keys)
    ]
    if not beside:
        for key in keys:
            _entry(checkpoint, key, name)
    return [
        StateDict(
            places,
            {f"{key}.{name}": value for key, part in zip(keys, parts, strict=True) for name, value in part.items()},
        )
        for places, parts in beside
    ]


def _entry(checkpoint: Any, key: str, name: str) -> Mapping[Any, Any]:
    if not isinstance(checkpoint, Mapping):
        raise WeightsError(f"Expected {name} to hold a state dict, but got {type(checkpoint).__name__}")
    if key not in checkpoint:
        raise WeightsError(f"{name} has no entry {key!r}; it has: {listed(checkpoint)}")
    if not isinstance(checkpoint[key], Mapping):
        raise WeightsError(f"Expected {key!r} of {name} to be a state dict, but got {type(checkpoint[key]).__name__}")
    return checkpoint[key]


def _without_tensors(checkpoint: Any, name: str) -> str:
    if not isinstance(checkpoint, Mapping):
        return f"Expected {name} to hold a state dict, but got {type(checkpoint).__name__}"
    optimisers = [key for key, value in checkpoint.items() if _is_optimiser(value)]
    if _is_optimiser(checkpoint) or optimisers:
        return f"{name} holds the state of an optimiser and no weights of a network; its entries: {listed(checkpoint)}"
    return f"{name} holds no tensors; its entries: {listed(checkpoint) or 'none'}"
