"""The pickles in a checkpoint, looked through before anything reads them: what they name, and what they may cost.

`torch.load(weights_only=True)` runs no code, but a few bytes may still make it fill the memory, or hash for hours.
"""

import mmap
import pickletools
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from froq_lightning.backbones.pickle_stack import PickleStack, dotted_name
from froq_lightning.errors import WeightsError

MOST_BYTES = 2**26
MOST_OPERATIONS = 2_000_000
MOST_NAMES = 200  # PyTorch goes through all of them at each
LONGEST_NAME = 500
HIGHEST_INTEGER = 2**63  # higher ones may be keys that all have one hash
MAGIC_OF_OLD = 0x1950A86A20F9469CFC6C
PICKLES_OF_OLD = 5  # magic number, version, system, content, keys of the storages; then their bytes
ZIP = b"PK\x03\x04"
# What PyTorch would call, and that makes much of little.
REFUSED = frozenset(
    {f"torch._utils._rebuild_{kind}" for kind in ("sparse_tensor", "sparse_csr_tensor", "nested_tensor")}
    | {"torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_wrapper_subclass"}
)
QUANTISED = ("torch._utils._rebuild_qtensor", "torch.ao.nn.", "torch.ao.quantization.", "torch.nn.quantized.")
LONGEST_KEY = 40


def named_globals(path: Path) -> set[str]:
    """Return the dotted names that the pickles of a checkpoint want, none of which is imported.

    Raises:
        WeightsError: if it is no checkpoint of PyTorch, damaged, or would take more memory or time than its size tells.
        OSError: if it cannot be read.
    """
    named: set[str] = set()
    texts: set[str] = set()
    stack = PickleStack(path.name)
    try:
        members = _members(path)
        for count, (operation, argument, _) in enumerate(_operations(path, members)):
            if count == MOST_OPERATIONS:
                raise WeightsError(f"{path.name} holds more than tensors: over {MOST_OPERATIONS:,} operations")  # noqa: TRY301
            stack.run(operation, argument)
            if operation.name == "GLOBAL":
                named.add(dotted_name(argument))
            elif isinstance(argument, str) and len(argument) <= LONGEST_KEY:
                texts.add(argument)
            elif isinstance(argument, int) and abs(argument) > HIGHEST_INTEGER and argument != MAGIC_OF_OLD:
                raise WeightsError(f"{path.name} holds more than tensors: numbers of more than 64 bits")  # noqa: TRY301
        _check_keys(path, members, texts)
    except WeightsError:
        raise
    except Exception as error:  # whatever `zipfile` and `pickletools` stumble over
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        early = "; it may end early" if re.search("remain|not enough data|exhausted", reason) else ""
        raise WeightsError(f"{path.name} is damaged or no checkpoint: {reason}{early}") from error
    _check_names(path, named)
    return named


def _check_names(path: Path, named: set[str]) -> None:
    longest = max(map(len, named), default=0)
    if longest > LONGEST_NAME or len(named) > MOST_NAMES:  # PyTorch would search them for patterns, in quadratic time
        told = f"a class by {longest:,} characters" if longest > LONGEST_NAME else f"{len(named):,} classes"
        raise WeightsError(f"{path.name} is damaged or no checkpoint: it names {told}")
    if any(name.startswith(QUANTISED) for name in named):
        raise WeightsError(
            f"{path.name} is a quantised network; FROQ needs the floating-point weights that it was made of"
        )
    if named & REFUSED:
        raise WeightsError(f"{path.name} holds more than tensors, and could fill the memory; it was not opened")


def _members(path: Path) -> list[zipfile.ZipInfo]:
    """List the members of a checkpoint that is an archive; one from before PyTorch 1.6 has none."""
    with path.open("rb") as file:
        new = file.read(len(ZIP)) == ZIP  # as PyTorch tells it
    if not new and zipfile.is_zipfile(path):
        raise WeightsError(f"{path.name} is damaged or no checkpoint: it is an archive and something else")
    if not new:
        return []
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    _check(path, members)
    return members


def _operations(path: Path, members: list[zipfile.ZipInfo]) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    """Read the operations of all pickles."""
    if not members:
        yield from _operations_of_old(path)
        return
    with zipfile.ZipFile(path) as archive:
        pickled = next(member for member in members if member.filename.endswith("/data.pkl"))
        yield from pickletools.genops(BytesIO(_content(path, archive, pickled)))


def _check_keys(path: Path, members: list[zipfile.ZipInfo], texts: set[str]) -> None:
    """Refuse a storage of several names: PyTorch finds it whatever the case, and reads it anew for every spelling."""
    keys = {member.filename.rpartition("/data/")[2] for member in members}
    lower = {key.lower() for key in keys}
    if any(text.lower() in lower and text not in keys for text in texts):
        raise WeightsError(f"{path.name} is damaged or no checkpoint: a storage has several names")


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that would unpack to more than itself, or that others would read differently."""
    names = [member.filename.lower() for member in members]
    if any(name.endswith("/constants.pkl") for name in names):
        raise WeightsError(f"{path.name} is TorchScript, which is code; save the state dict of its network")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise WeightsError(f"{path.name} holds compressed tensors, which PyTorch does not write")
    pickles = [member.filename for member in members if member.filename.lower().endswith("/data.pkl")]
    twice = len(set(names)) < len(names) or sum(member.file_size for member in members) > path.stat().st_size
    if twice or len(pickles) != 1 or not pickles[0].endswith("/data.pkl"):
        raise WeightsError(f"{path.name} is damaged or no checkpoint: no archive that PyTorch writes")


def _content(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > MOST_BYTES:
        raise WeightsError(f"{path.name} holds more than tensors: {member.file_size:,} bytes beside them")
    return archive.read(member)


def _operations_of_old(path: Path) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    """Read the pickles of a checkpoint from before PyTorch 1.6, one after another."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for number in range(PICKLES_OF_OLD):
            if number and content.tell() == len(content):
                return  # a pickle that PyTorch did not write
            yield from pickletools.genops(cast("IO[bytes]", content))
            if content.tell() > MOST_BYTES:
                raise WeightsError(f"{path.name} holds more than tensors: {content.tell():,} bytes beside them")
