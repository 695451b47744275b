"""Which backbone a checkpoint belongs to: the hint in the error of one that does not fit."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.weights import read_state_dict
from froq_lightning.errors import FroqError

# Share of tensors that must agree for a backbone to be worth trying: of the smaller set, as a file may hold a head too,
# or one part of a network alone. Share of the larger set for one to be worth naming.
PROMISING, SIMILAR = 0.9, 0.5

Signature = Counter[tuple[str, ...]]


def recognise(path: str, factories: Mapping[str, Callable[..., Any]]) -> str:
    """Tell which of the backbones loads a checkpoint, or else which resembles it most.

    Networks are built on the "meta" device, so nothing but the checkpoint takes memory. Backbones that cannot be built
    without further options are passed over.

    Args:
        path: of the checkpoint.
        factories: called with `weights` or without, they return a Backbone. The first of equally similar ones is named
            first.

    Returns:
        The end of a sentence about the checkpoint; empty if it cannot be read, or resembles none.
    """
    try:
        found = _signature(read_state_dict(path).items())
    except FroqError:
        return ""
    networks = dict(_networks(factories))
    promising = [name for name, network in networks.items() if _agreement(found, network, of=min) >= PROMISING]
    fitting = [name for name in promising if _build(factories[name], weights=path) is not None]
    if fitting:
        return f"it is a checkpoint of {' or '.join(fitting)}"
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


def _signature(tensors: Iterable[tuple[str, Tensor]]) -> Signature:
    """Count tensors by shape and the end of their names, which no prefix changes."""
    return Counter((*name.split(".")[-2:], str(tuple(tensor.shape))) for name, tensor in tensors)


def _agreement(one: Signature, other: Signature, of: Callable[[int, int], int]) -> float:
    return (one & other).total() / (of(one.total(), other.total()) or 1)


def _networks(factories: Mapping[str, Callable[..., Any]]) -> Iterator[tuple[str, Signature]]:
    for name, factory in factories.items():
        backbone = _build(factory)
        if backbone is not None:
            yield name, _signature(backbone.network.state_dict().items())


def _build(factory: Callable[..., Any], **options: Any) -> Any:
    """Build a backbone without memory for its weights; None if that fails, for whatever reason."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return factory(**options)
        except Exception:
            return None
