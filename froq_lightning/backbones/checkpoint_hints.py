"""Finds the backbone that a checkpoint belongs to, for the error of one that does not fit."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from threading import Thread
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.backbones.weights import read_state_dict
from froq_lightning.errors import FroqError

# Shares of tensors that must agree: of the smaller set to try a backbone, since a file may also hold a head, or only
# one part of a network; of the larger set to name it.
PROMISING, SIMILAR = 0.9, 0.5
# A hint is not worth waiting longer for another backbone to be built.
SECONDS_TO_BUILD = 30.0

Signature = Counter[tuple[str, ...]]
Factories = Mapping[str, Callable[..., Any]]


def recognise(path: str, factories: Factories, variants: Factories | None = None) -> str:
    """Say which of the backbones loads a checkpoint, or else with which option one does, or which resembles it most.

    Networks are built on the "meta" device, so nothing but the checkpoint takes memory. Backbones that cannot be built
    without further options are passed over, and so are plugins that fail.

    Args:
        path: of the checkpoint.
        factories: called with `weights` or without, they return a Backbone. The first of equally similar ones is named
            first.
        variants: the same with other options, named after these; looked at if no backbone loads the checkpoint.

    Returns:
        The end of a sentence about the checkpoint; empty if it cannot be read, or resembles none.
    """
    found = _tensors(path)
    networks = _signatures(factories) if found else {}
    fitting = _fitting(path, found, networks, factories)
    named = [name for name, backbone in fitting.items() if not backbone.note] or list(fitting)
    if named:
        return f"it is a checkpoint of {' or '.join(named)}"
    if found and (fitting := _fitting(path, found, _signatures(variants or {}), variants or {})):
        return f"it fits {' or '.join(fitting)}"
    similarity = {name: _agreement(found, network, of=max) for name, network in networks.items()}
    best = max(similarity.values(), default=0.0)
    if best < SIMILAR:
        return ""
    nearest = " or ".join([name for name, share in similarity.items() if share == best][:3])
    return (
        f"its tensors are those of {nearest}, under other names"
        if best == 1
        else (f"it resembles {nearest} most ({best:.1%} of the tensors agree)")
    )


def published_as(path: str, factories: Factories) -> dict[str, Backbone]:
    """Return the backbones, without values, that load a checkpoint as it is: nothing of it is cut off or left out."""
    found = _tensors(path)
    fitting = _fitting(path, found, _signatures(factories) if found else {}, factories)
    return {name: backbone for name, backbone in fitting.items() if not backbone.note}


def _tensors(path: str) -> Signature:
    try:
        return _signature(read_state_dict(path).items())
    except FroqError:
        return Counter()


def _fitting(
    path: str, found: Signature, networks: Mapping[str, Signature], factories: Factories
) -> dict[str, Backbone]:
    promising = [name for name, network in networks.items() if _agreement(found, network, of=min) >= PROMISING]
    built = {name: _attempt(partial(factories[name], weights=path)) for name in promising}
    return {name: backbone for name, backbone in built.items() if isinstance(backbone, Backbone)}


def _signatures(factories: Factories) -> dict[str, Signature]:
    built = {name: _signature_of(factory) for name, factory in factories.items()}
    return {name: signature for name, signature in built.items() if signature is not None}


@cache
def _signature_of(factory: Callable[..., Any]) -> Signature | None:
    return _attempt(lambda: _signature(factory().network.state_dict().items()))


def _signature(tensors: Iterable[tuple[str, Tensor]]) -> Signature:
    """Count tensors by shape and the end of their names, which no prefix changes."""
    return Counter((*name.split(".")[-2:], str(tuple(tensor.shape))) for name, tensor in tensors)


def _agreement(one: Signature, other: Signature, of: Callable[[int, int], int]) -> float:
    return (one & other).total() / (of(one.total(), other.total()) or 1)


def _attempt(build: Callable[[], Any]) -> Any:
    """Build something on the meta device, without memory for weights; None if that fails or takes long."""
    built = []

    def run() -> None:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                built.append(build())
            except BaseException:  # such as SystemExit
                return

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS_TO_BUILD)
    return built[0] if built else None
