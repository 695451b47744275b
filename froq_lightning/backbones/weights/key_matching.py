"""Matches the keys of a state dict with the names of a network: cuts off prefixes, leaves out a head beside it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from froq_lightning.backbones.weights.state_dicts import StateDict

COUNTER = "num_batches_tracked"  # of batch normalisation in training; files from before PyTorch 0.4.1 have none
IGNORED = (COUNTER, "total_ops", "total_params")  # the latter two are left by the profiler `thop`
MAX_KEY_LENGTH = 1000
MAX_PREFIXES = 20  # that are tried; wrappers add only a few
# Maps prefixes of keys to their replacement, or to None to leave such keys out; the longest matching prefix counts.
Layout = Mapping[str, str | None]


@dataclass(frozen=True)
class Fit:
    """A state dict whose tensors fill a whole network.

    Args:
        state: that they come from.
        prefix: of their keys there.
        tensors: by the network's names.
        left: keys that are not used, without those that the layout leaves out.
    """

    state: StateDict
    prefix: str
    tensors: dict[str, Tensor]
    left: tuple[str, ...]

    @property
    def is_averaged(self) -> bool:
        """Whether these are averaged weights, by the names of entries and prefix."""
        return self.state.is_averaged(self.prefix)

    @property
    def place(self) -> str:
        """Path to the tensors: the entries of the checkpoint, and the prefix of the keys."""
        return ".".join([*self.state.entries, self.prefix]).rstrip(".")

    def equals(self, other: "Fit") -> bool:
        """Whether another fit of the same network has the same values."""
        both = self.tensors.keys() & other.tensors.keys()
        return all(torch.equal(self.tensors[name], other.tensors[name]) for name in both if not name.endswith(COUNTER))


def fits(network: nn.Module, states: Sequence[StateDict], layout: Layout) -> list[Fit]:
    """Find all sets of tensors that fill a network and fit its shapes and types; the likeliest first.

    Args:
        network: to fill.
        states: to look in, the likeliest first.
        layout: how keys are renamed after the prefix of a wrapper is cut off.
    """
    own = network.state_dict()
    needed = [name for name in own if not name.endswith(COUNTER)]
    found: dict[tuple[int, ...], Fit] = {}  # two prefixes may lead to the same tensors
    for state in (state for state in states if len(state.tensors) >= len(needed)):
        for prefix, count in prefixes(own, state, layout).most_common(MAX_PREFIXES):
            fit = _fit(network, state, prefix, layout) if count >= len(needed) else None
            if fit is not None:
                found.setdefault(tuple(id(fit.tensors[name]) for name in needed), fit)
    return sorted(found.values(), key=lambda fit: (fit.is_averaged, not fit.state.is_usual))


def prefixes(own: Mapping[str, Tensor], state: StateDict, layout: Layout) -> Counter[str]:
    """Count how many of a network's names follow each prefix."""
    wanted = {key for name in own for key in _keys_of(name, layout)}
    counts: Counter[str] = Counter()
    for key in state.tensors:
        if len(key) <= MAX_KEY_LENGTH:
            starts = (0, *(place + 1 for place, letter in enumerate(key) if letter == "."))
            counts.update(key[:start] for start in starts if key[start:] in wanted)
    return counts


def renamed(key: str, layout: Layout) -> str | None:
    """Return the network's name for a key; None if the layout leaves it out."""
    source = _source(key, layout)
    replacement = None if source is None else layout[source]
    return None if source is None or replacement is None else replacement + key.removeprefix(source)


def is_alike(value: Tensor, own: Tensor) -> bool:
    """Whether a tensor can replace another: same shape, and not integers for floating point, which lack a scale."""
    return value.shape == own.shape and value.is_floating_point() == own.is_floating_point()


def _keys_of(name: str, layout: Layout) -> Iterator[str]:
    """Yield the keys that a layout renames to a name of the network."""
    for source, replacement in layout.items():
        if replacement is not None and name.startswith(replacement):
            key = source + name.removeprefix(replacement)
            if _source(key, layout) == source:
                yield key


def _source(key: str, layout: Layout) -> str | None:
    return max((source for source in layout if key.startswith(source)), key=len, default=None)


def _fit(network: nn.Module, state: StateDict, prefix: str, layout: Layout) -> Fit | None:
    own = network.state_dict()
    behind = {key: key.removeprefix(prefix) for key in state.tensors if key.startswith(prefix)}
    names = {key: renamed(short, layout) for key, short in behind.items()}
    used = {name: key for key, name in names.items() if name in own}
    tensors = {name: state.tensors[key] for name, key in used.items() if name is not None}
    unlike = [name for name in own if name not in tensors or not is_alike(tensors[name], own[name])]
    if not all(name.endswith(COUNTER) for name in unlike):
        return None
    shorts = [behind[key] for key in used.values()]
    sources = {_source(short, layout) for short in shorts}
    left = [key for key in state.tensors if key not in used.values() and names.get(key, key) is not None]
    inner = [behind[key] for key in left if key in behind and not key.endswith(IGNORED)]
    inner = [short for short in inner if _source(short, layout) in sources]
    if not all(_is_beside(short, shorts, network, layout) for short in inner):
        return None
    return Fit(state, prefix, {name: value for name, value in tensors.items() if name not in unlike}, tuple(left))


def _is_beside(key: str, used: Sequence[str], network: nn.Module, layout: Layout) -> bool:
    """Whether a key belongs to a head beside the network: to no module of it, nor to one more block of a series."""
    known = {short[:place] for short in used for place in (*_dots(short), len(short))}
    owner = next((key[:place] for place in _dots(key) if key[:place] not in known), None)
    if owner is None:  # a tensor of a module that the network has
        return False
    modules = dict(network.named_modules())
    name = renamed(owner, layout) or ""
    if name and name in modules:
        return isinstance(modules[name], nn.Identity) and _is_last(name, modules)
    series = {re.sub(r"\d+", "", short.partition(".")[0]) for short in used}
    stem = re.sub(r"\d+", "", owner)
    return "." not in owner and (stem == owner or stem not in series)


def _is_last(name: str, modules: Mapping[str, nn.Module]) -> bool:
    """Whether no module with tensors follows, as behind an `nn.Identity` in the place of a classifier."""
    after = list(modules)[list(modules).index(name) + 1 :]
    return not any(
        [*modules[other].parameters(recurse=False), *modules[other].buffers(recurse=False)] for other in after
    )


def _dots(key: str) -> list[int]:
    return [place for place, letter in enumerate(key) if letter == "."]
