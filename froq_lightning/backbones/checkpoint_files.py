"""Checkpoints on the disk: a file of PyTorch or safetensors, or a folder of the hub, in one part or in shards."""

import re
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from froq_lightning.backbones.checkpoint_pickles import named_globals
from froq_lightning.backbones.file_kinds import ENDS_EARLY, SAVED, foreign_kind, is_safetensors
from froq_lightning.backbones.stand_ins import stand_ins
from froq_lightning.backbones.state_dicts import first
from froq_lightning.bounded_io import read_json
from froq_lightning.errors import DataError, DataNotFoundError, WeightsError

INDEX = ".index.json"
# What a folder of the hub calls its weights; an index tells which shard holds which tensor.
HUB_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# What PyTorch says of damaged files, and what that means.
REASONS = {
    "unexpected EOF": ENDS_EARLY,
    "Invalid magic number": f"a pickle that PyTorch did not write; {SAVED}",
}
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")


def read_checkpoint(path: Path) -> Any:
    """Read what a checkpoint holds onto the CPU, running no code of it (`weights_only=True`).

    The content decides the kind of a file, not its suffix.

    Args:
        path: a file of PyTorch or safetensors, a folder of the hub, or the index of a sharded one.

    Raises:
        DataNotFoundError: if there is no such file.
        WeightsError: if it is damaged, of another kind, or carries code.
    """
    entry = _entry_file(path)
    if not entry.name.lower().endswith(INDEX):
        return _read(entry)
    shards = {file.name: _read(file) for file in weights_files(entry)}
    tensors: dict[str, Tensor] = {}
    for name, shard in _weight_map(entry).items():
        if name not in shards[shard]:
            raise WeightsError(f"{shard} has no tensor {name!r}, which {entry.name} says it has")
        tensors[name] = shards[shard][name]
    return tensors


def weights_files(path: Path) -> list[Path]:
    """List the files that hold the weights: one, or the shards in the order of their names.

    Raises:
        DataNotFoundError: if one does not exist.
        WeightsError: if a folder holds none, or an index is damaged.
    """
    entry = _entry_file(path)
    if not entry.name.lower().endswith(INDEX):
        return [entry]
    return [_existing(entry.parent / name) for name in sorted(set(_weight_map(entry).values()))]


def _entry_file(path: Path) -> Path:
    """Return the file itself, or the one of a folder that holds or lists its weights."""
    if not path.is_dir():
        return _existing(path)
    files = sorted(file for file in path.iterdir() if file.is_file())
    known = [path / name for name in HUB_FILES if path / name in files]
    others = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not known and len(others) != 1:
        found = first(file.name for file in files) or "no file"
        raise WeightsError(f"Expected folder {path.name} to hold {' or '.join(HUB_FILES)}, but it holds {found}")
    return (known or others)[0]


def _existing(path: Path) -> Path:
    if not path.is_file():
        told = "is a pipe or device" if path.exists() else "does not exist"
        raise DataNotFoundError(f"weights file {str(path)!r} {told}")
    return path


def _weight_map(index: Path) -> dict[str, str]:
    try:
        stated = read_json(index)["weight_map"]
        shards = {str(name): str(shard) for name, shard in stated.items()}
    except (DataError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{index.name} is damaged, or no index of shards: {error}") from error
    elsewhere = next((shard for shard in shards.values() if Path(shard).name != shard), None)
    if elsewhere is not None:
        raise WeightsError(f"{index.name} names a shard that does not lie beside it: {elsewhere!r}")
    return shards


def _read(path: Path) -> Any:
    try:
        kind = foreign_kind(path)
        if kind:
            raise WeightsError(f"{path.name} is {kind}")  # noqa: TRY301
        with path.open("rb") as file:
            safe = is_safetensors(file.read(9))
        return load_file(path) if safe else _read_pickled(path)
    except WeightsError:
        raise
    except SafetensorError as error:
        told = ENDS_EARLY if "incomplete" in str(error) else f"damaged: {_first_line(error)}"
        raise WeightsError(f"{path.name} is {told}") from error
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read: {error.strerror or _first_line(error)}") from error
    except Exception as error:  # whatever PyTorch stumbles over in a damaged file
        told = f"damaged or no checkpoint: {_first_line(error)}"
        for reason, kind in REASONS.items():
            told = kind if reason in told else told
        raise WeightsError(f"{path.name} is {told}") from error


def _read_pickled(path: Path) -> Any:
    named = named_globals(path)
    try:
        # An open file, as PyTorch takes the name of one for its kind.
        with torch.serialization.safe_globals(stand_ins(named)), path.open("rb") as file, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # The first class that is not allowed; of a pickled network, that of the network.
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused and any(name.startswith("torch.nn.modules.") for name in named):
            told = f"a whole pickled network ({refused[1]}), which is code; {SAVED}"
            raise WeightsError(f"{path.name} is {told}") from error
        told = f": it names {refused[1]}, which is not allowed; {SAVED}" if refused else ""
        if "Unsupported operand" in str(error):
            told = f": it is pickled by a protocol that PyTorch reads only if trusted; {SAVED}"
        raise WeightsError(
            f"{path.name} is damaged, or holds more than tensors and could run code; it was not opened{told}"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
