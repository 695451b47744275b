"""The pickle inside a PyTorch checkpoint, scanned before `torch.load`: which classes it names, and what it may cost.

`torch.load(weights_only=True)` runs no code, but a few bytes of a pickle can still make it allocate all memory.
"""

import pickletools
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from froq_lightning.errors import WeightsError

MAX_PICKLE_BYTES = 2**24  # all but the tensors; PyTorch Lightning leaves some 100 kB there
MAX_NAMES = 200  # PyTorch goes through all allowed ones at each call
MAX_NAME_LENGTH = 500
PICKLES_BEFORE_1_6 = 5  # magic number, version, system, content, keys of the storages; then their bytes
ZIP = b"PK\x03\x04"
QUANTISED = ("torch._utils._rebuild_qtensor", "torch.ao.nn.", "torch.ao.quantization.", "torch.nn.quantized.")
# Of the functions in `torch._utils`, those that make plain tensors. Others copy a tensor, whose strides may be 0.
REBUILD = "torch._utils._rebuild_"
REBUILD_PLAIN = frozenset(
    REBUILD + kind for kind in ("tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state")
)
# What a pickler writes directly behind these functions. Other arguments may have any size: `bytearray(10**10)`.
ARGUMENTS = {
    "_codecs.encode": ("text",),
    "builtins.bytearray": ("_codecs.encode", "EMPTY_TUPLE"),
    "builtins.set": ("EMPTY_LIST",),
    "collections.Counter": ("EMPTY_DICT", "EMPTY_TUPLE"),
    "collections.OrderedDict": ("EMPTY_TUPLE", "EMPTY_LIST"),
    "torch.Size": ("BININT", "BININT1", "BININT2", "EMPTY_TUPLE", "MARK"),
}

Operation = tuple[pickletools.OpcodeInfo, Any, int | None]


def named_globals(path: Path) -> set[str]:
    """Return the dotted names of all classes and functions in the pickle of a checkpoint, none of which is imported.

    Raises:
        WeightsError: if it is no checkpoint of PyTorch, damaged, or would unpack to more than its size.
        OSError: if it cannot be read.
    """
    try:
        names = _scan(path)
    except WeightsError:
        raise
    except (zipfile.BadZipFile, ValueError, LookupError, EOFError, NotImplementedError, RuntimeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        early = "; it may end early" if any(word in reason for word in ("remain", "not enough", "exhausted")) else ""
        raise WeightsError(f"{path.name} is damaged or no checkpoint: {reason}{early}") from error
    if any(name.startswith(QUANTISED) for name in names):
        raise WeightsError(
            f"{path.name} is a quantised network; FROQ needs the floating-point weights that it was made of"
        )
    if any(name.startswith(REBUILD) and name not in REBUILD_PLAIN for name in names):
        raise _too_large(path)
    return names


def _scan(path: Path) -> set[str]:
    """Go through the operations of the pickle, and check the arguments of the calls in `ARGUMENTS`."""
    names: set[str] = set()
    memo: dict[int, tuple[str, str]] = {}
    kind = value = function = ""
    encoded, codec_follows = 0, False
    for operation, argument, _ in _operations(path):
        if operation.name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = (kind, value) if kind == "text" or kind in ARGUMENTS else ("", "")
            continue
        kind, value = _kind(operation, argument, memo)
        if operation.name == "GLOBAL":
            names.add(kind)
        if len(kind) > MAX_NAME_LENGTH or len(names) > MAX_NAMES:
            raise WeightsError(f"{path.name} is damaged or no checkpoint: it names too many classes, or too long ones")
        if codec_follows and value != "latin1":  # other codecs make text longer
            raise _too_large(path)
        if function and kind not in ARGUMENTS[function]:
            raise _too_large(path)
        codec_follows = function == "_codecs.encode"
        encoded += len(value) if codec_follows else 0
        if encoded > MAX_PICKLE_BYTES:
            raise _too_large(path)
        function = kind if kind in ARGUMENTS else ""
    return names


def _kind(operation: pickletools.OpcodeInfo, argument: Any, memo: dict[int, tuple[str, str]]) -> tuple[str, str]:
    """Return the dotted name of a global, "text" and a text, or the name of any other operation."""
    if operation.name == "GLOBAL":
        module, _, name = argument.partition(" ")
        # As Python 3 calls what Python 2 named, `__builtin__.set`.
        return ".".join(NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))), ""
    if operation.name in ("BINGET", "LONG_BINGET"):
        return memo.get(argument, ("", ""))
    return ("text", argument) if isinstance(argument, str) else (operation.name, "")


def _operations(path: Path) -> Iterator[Operation]:
    with path.open("rb") as file:
        is_archive = file.read(len(ZIP)) == ZIP  # as PyTorch finds out
    if is_archive:
        yield from pickletools.genops(BytesIO(_archived_pickle(path)))
        return
    with path.open("rb") as file:
        size = path.stat().st_size
        for number in range(PICKLES_BEFORE_1_6):
            if number and file.tell() == size:
                return  # a pickle that PyTorch did not write
            for operation in pickletools.genops(file):
                if (operation[2] or 0) > MAX_PICKLE_BYTES:
                    raise _too_much(path, operation[2] or 0)
                yield operation


def _archived_pickle(path: Path) -> bytes:
    """Read the pickle of a checkpoint since PyTorch 1.6, and refuse an archive that unpacks to more than its size."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename.lower() for member in members]
        pickles = [member for member in members if member.filename.lower().endswith("/data.pkl")]
        if any(name.endswith("/constants.pkl") for name in names):
            raise WeightsError(f"{path.name} is TorchScript, which is code; save the state dict of its network")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise WeightsError(f"{path.name} holds compressed tensors, which PyTorch does not write")
        # PyTorch ignores the case of names, and would read a storage once for every spelling; its own are numbers.
        storages = [name.rpartition("/data/")[2] for name in names if "/data/" in name]
        is_valid = len(pickles) == 1 and len(set(names)) == len(names) and all(map(str.isdecimal, storages))
        if not is_valid or sum(member.file_size for member in members) > path.stat().st_size:
            raise WeightsError(f"{path.name} is damaged or no checkpoint: no archive that PyTorch writes")
        if pickles[0].file_size > MAX_PICKLE_BYTES:
            raise _too_much(path, pickles[0].file_size)
        return archive.read(pickles[0])


def _too_large(path: Path) -> WeightsError:
    return WeightsError(f"{path.name} holds more than tensors, and could fill the memory; it was not opened")


def _too_much(path: Path, size: int) -> WeightsError:
    return WeightsError(f"{path.name} holds more than tensors: {size:,} bytes beside them")
