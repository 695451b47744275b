"""Checkpoints, read without running any code that they might carry."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from froq_lightning.backbones.checkpoint_pickles import named_globals
from froq_lightning.backbones.stand_ins import stand_ins
from froq_lightning.errors import DataNotFoundError, WeightsError

# Where training scripts keep the network's weights inside a checkpoint.
STATE_DICT_KEYS = (
    "state_dict",
    "net_state_dict",
    "model_state_dict",
    "state_dict_backbone",
    "model",
    "backbone",
)
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")

StateDict = dict[str, Tensor]


def read_state_dict(
    path: str | Path, key: str | Sequence[str] | None = None, prefix: str | Mapping[str, str | None] = ""
) -> StateDict:
    """Read a state dict onto the CPU from a safetensors file or a PyTorch checkpoint (`weights_only=True`).

    Args:
        path: file ending in .safetensors, .pt, .pth, .ckpt or .bin.
        key: entry of the checkpoint that holds the state dict; without it the usual ones are tried. Several entries
            make one state dict, in which "entry." precedes the keys of each.
        prefix: of the keys to take, cut off ("model." for a LightningModule); or a mapping from prefixes to what
            replaces them, None to leave such keys out. The longest matching prefix counts; keys that start with none
            are left out.

    Raises:
        DataNotFoundError: if there is no such file.
        WeightsError: if it is damaged, of another kind, carries code, or holds no such key or prefix.
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"weights file {str(path)!r} does not exist")
    state_dict = _select(_read(path), key, path)
    return _renamed(state_dict, {prefix: ""} if isinstance(prefix, str) else prefix, path)


def load_weights(network: nn.Module, state_dict: Mapping[str, Tensor], source: str | Path) -> None:
    """Load a state dict that must fit the network exactly.

    Raises:
        WeightsError: naming the first missing, unexpected and differently shaped keys.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own]
    differing = [
        f"{name} {list(state_dict[name].shape)} for {list(own[name].shape)}"
        for name in own
        if name in state_dict and state_dict[name].shape != own[name].shape
    ]
    told = [
        f"{len(names)} {kind} ({_first(names)})"
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", differing))
        if names
    ]
    if told:
        raise WeightsError(f"{Path(source).name} does not fit {type(network).__name__}: keys {'; '.join(told)}")
    network.load_state_dict(state_dict)


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as lower-case hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def network_sha256(network: nn.Module) -> str:
    """SHA-256 of a network's parameters and buffers, for weights that did not come from one file.

    On the "meta" device, where tensors have no values, of their names and shapes.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        if not tensor.is_meta:
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> Any:
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"Expected a weights file ending in {', '.join(SUFFIXES)}, but got {path.name}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(stand_ins(named_globals(path))):
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(
            f"{path.name} is damaged, or holds more than tensors and could run code; it was not opened"
        ) from error
    except WeightsError:
        raise
    except Exception as error:  # whatever PyTorch stumbles over in a damaged file
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(f"{path.name} is damaged or no checkpoint: {reason}") from error


def _select(checkpoint: Any, key: str | Sequence[str] | None, path: Path) -> StateDict:
    if not isinstance(checkpoint, Mapping):
        raise WeightsError(f"Expected {path.name} to hold a state dict, but got {type(checkpoint).__name__}")
    if key is None:
        usual = (checkpoint[name] for name in STATE_DICT_KEYS if isinstance(checkpoint.get(name), Mapping))
        chosen = next(usual, checkpoint)
    elif isinstance(key, str):
        chosen = _entry(checkpoint, key, path)
    else:
        chosen = {f"{entry}.{name}": value for entry in key for name, value in _entry(checkpoint, entry, path).items()}
    tensors = {name: value for name, value in chosen.items() if isinstance(name, str) and isinstance(value, Tensor)}
    odd = [name for name, value in tensors.items() if value.is_nested or value.layout is not torch.strided]
    if odd:
        raise WeightsError(f"{path.name} holds sparse or nested tensors: {_first(odd)}")
    if not tensors:
        raise WeightsError(f"{path.name} holds no tensors; its entries: {_first(checkpoint)}")
    return tensors


def _entry(checkpoint: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    if key not in checkpoint:
        raise WeightsError(f"{path.name} has no entry {key!r}; it has: {_first(checkpoint)}")
    if not isinstance(checkpoint[key], Mapping):
        raise WeightsError(
            f"Expected {key!r} of {path.name} to be a state dict, but got {type(checkpoint[key]).__name__}"
        )
    return checkpoint[key]


def _renamed(state_dict: StateDict, prefixes: Mapping[str, str | None], path: Path) -> StateDict:
    renamed = {}
    longest_first = sorted(prefixes, key=len, reverse=True)
    for name, tensor in state_dict.items():
        prefix = next((prefix for prefix in longest_first if name.startswith(prefix)), None)
        replacement = None if prefix is None else prefixes[prefix]
        if prefix is not None and replacement is not None:
            renamed[replacement + name.removeprefix(prefix)] = tensor
    if not renamed:
        expected = " or ".join(repr(prefix) for prefix, kept in prefixes.items() if kept is not None)
        raise WeightsError(f"no key in {path.name} starts with {expected}; its first keys: {_first(state_dict)}")
    return renamed


def _first(names: Any, count: int = 3) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")
