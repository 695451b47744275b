"""The pickles in a checkpoint, looked through before anything reads them: what they name, and what they may cost.

`torch.load(weights_only=True)` runs no code, but a few bytes may still make it fill the memory.
"""

import mmap
import pickletools
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from froq_lightning.errors import WeightsError

MOST_BYTES = 2**26
MOST_OPERATIONS = 5_000_000
LONGEST_NAME = 500
PICKLES_OF_OLD = 5  # magic number, version, system, content, keys of the storages; then their bytes
# Makes as many zeros as it is told.
REFUSED = "builtins.bytearray", "__builtin__.bytearray"
ENCODE = "_codecs.encode"
# Each makes bytes of bytes, so that thirty calls in a row make a gigabyte.
CODECS_OF_BYTES = frozenset(
    {"hex", "hex_codec", "base64", "base64_codec", "base_64", "quopri", "quopri_codec", "quoted_printable", "uu"}
    | {"quotedprintable", "uu_codec", "bz2", "bz2_codec", "zip", "zlib", "zlib_codec"}
)


def named_globals(path: Path) -> set[str]:
    """Return the dotted names that the pickles of a checkpoint want, none of which is imported.

    Raises:
        WeightsError: if it is no checkpoint of PyTorch, damaged, or would take more memory than its size tells.
        OSError: if it cannot be read.
    """
    named, texts = set(), set()
    try:
        for count, (operation, argument) in enumerate(_operations(path)):
            if count == MOST_OPERATIONS:
                raise WeightsError(f"{path.name} holds more than tensors: over {MOST_OPERATIONS:,} operations")  # noqa: TRY301
            if operation == "GLOBAL":
                named.add(str(argument).replace(" ", "."))
            elif isinstance(argument, str):
                texts.add(argument.lower().replace("-", "_").replace(" ", "_"))
    except WeightsError:
        raise
    except Exception as error:  # whatever `zipfile` and `pickletools` stumble over
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(f"{path.name} is damaged or no checkpoint: {reason}") from error
    if max(map(len, named), default=0) > LONGEST_NAME:  # PyTorch would search them for patterns, in quadratic time
        raise WeightsError(
            f"{path.name} is damaged or no checkpoint: it names a class by {max(map(len, named)):,} characters"
        )
    if named.intersection(REFUSED) or (ENCODE in named and texts & CODECS_OF_BYTES):
        raise WeightsError(f"{path.name} holds more than tensors, and could fill the memory; it was not opened")
    return named


def _operations(path: Path) -> Iterator[tuple[str, Any]]:
    if not zipfile.is_zipfile(path):
        yield from _operations_of_old(path)
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith((".pkl", "/byteorder")) and "/data/" not in f"/{member.filename}":
                continue
            if member.compress_type != zipfile.ZIP_STORED:
                raise WeightsError(f"{path.name} holds compressed tensors, which PyTorch does not write")
            if member.filename.endswith("/data.pkl"):
                yield from _run(BytesIO(_content(path, archive, member)))


def _content(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > MOST_BYTES:
        raise WeightsError(f"{path.name} holds more than tensors: {member.file_size:,} bytes beside them")
    return archive.read(member)


def _operations_of_old(path: Path) -> Iterator[tuple[str, Any]]:
    """Read the pickles of a checkpoint from before PyTorch 1.6, one after another."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for number in range(PICKLES_OF_OLD):
            if number and content.tell() == len(content):
                return  # a pickle that PyTorch did not write
            yield from _run(cast("IO[bytes]", content))
            if content.tell() > MOST_BYTES:
                raise WeightsError(f"{path.name} holds more than tensors: {content.tell():,} bytes beside them")


def _run(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    for operation, argument, _ in pickletools.genops(file):
        yield operation.name, argument
