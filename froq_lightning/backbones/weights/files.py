"""Checkpoint files: one file of PyTorch or safetensors, or a folder as on the Hugging Face hub, perhaps in shards."""

import hashlib
import re
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from froq_lightning.backbones.weights.file_kinds import ENDS_EARLY, SAVE_STATE_DICT, foreign_kind, is_safetensors
from froq_lightning.backbones.weights.inert_classes import inert_classes
from froq_lightning.backbones.weights.pickles import named_globals
from froq_lightning.backbones.weights.state_dicts import listed
from froq_lightning.bounded_io import read_json
from froq_lightning.errors import DataError, DataNotFoundError, WeightsError

INDEX = ".index.json"
# Names of weights on the hub; an index says which shard holds which tensor.
HUB_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# Parts of PyTorch's error messages, and what they mean.
REASONS = {
    "unexpected EOF": ENDS_EARLY,
    "Invalid magic number": f"a pickle that PyTorch did not write; {SAVE_STATE_DICT}",
}
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")


def read_checkpoint(path: Path) -> Any:
    """Load a checkpoint onto the CPU, running no code of it (`weights_only=True`), whatever the suffix of its name.

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


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as lower-case hex; of shards, of the bytes of all in the order of their names."""
    digest = hashlib.sha256()
    for file in weights_files(Path(path)):
        with file.open("rb") as opened:
            hashlib.file_digest(opened, lambda: digest)
    return digest.hexdigest()


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
        content = listed(file.name for file in files) or "no file"
        raise WeightsError(f"Expected folder {path.name} to hold {' or '.join(HUB_FILES)}, but it holds {content}")
    return (known or others)[0]


def _existing(path: Path) -> Path:
    if not path.is_file():
        problem = "is a pipe or device" if path.exists() else "does not exist"
        raise DataNotFoundError(f"weights file {str(path)!r} {problem}")
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
        if kind := foreign_kind(path):
            raise WeightsError(f"{path.name} is {kind}")  # noqa: TRY301
        with path.open("rb") as file:
            safe = is_safetensors(file.read(9))
        return load_file(path) if safe else _read_pickled(path)
    except WeightsError:
        raise
    except SafetensorError as error:
        problem = ENDS_EARLY if "incomplete" in str(error) else f"damaged: {_first_line(error)}"
        raise WeightsError(f"{path.name} is {problem}") from error
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read: {error.strerror or _first_line(error)}") from error
    except Exception as error:  # PyTorch raises whatever its parser of a damaged file comes to
        meanings = [meaning for part, meaning in REASONS.items() if part in str(error)]
        problem = (meanings or [f"damaged or no checkpoint: {_first_line(error)}"])[0]
        raise WeightsError(f"{path.name} is {problem}") from error


def _read_pickled(path: Path) -> Any:
    names = named_globals(path)
    try:
        # An open file, since PyTorch judges a path by its suffix.
        with torch.serialization.safe_globals(inert_classes(names)), path.open("rb") as file, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(f"{path.name} is {_refusal(str(error), names)}") from error


def _refusal(message: str, names: set[str]) -> str:
    """Say what a checkpoint is that PyTorch refuses to load, as the end of a sentence."""
    refused = re.search(r"GLOBAL (\S+)", message)  # the first class that is not allowed; of a network, its own
    if refused and any(name.startswith("torch.nn.modules.") for name in names):
        return f"a whole pickled network ({refused[1]}), which is code; {SAVE_STATE_DICT}"
    reason = f": it names {refused[1]}, which is not allowed; {SAVE_STATE_DICT}" if refused else ""
    if "Unsupported operand" in message:
        reason = f": it is pickled by a protocol that PyTorch reads only if trusted; {SAVE_STATE_DICT}"
    return f"damaged, or holds more than tensors and could run code; it was not opened{reason}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
