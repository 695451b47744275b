"""Several files that are one source: a folder of them, patterns with braces or wildcards, addresses joined by `::`."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from glob import glob
from itertools import product
from pathlib import Path

from froq_lightning.data.shards import Shard
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.folder import FolderSearch
from froq_lightning.stored_files import address_of, file_name, is_address, list_folder, matching, plain, stamp_of

# Columns, or names in `key.json`, of who is shown.
SUBJECTS = ("subject_id", "subject", "identity", "label", "cls")
JOINED = "::"
MOST_SHARDS = 1_000_000
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}")


def shard_folder(path: Path, suffix: str) -> bool:
    """Tell whether a folder holds files of a suffix, and no images."""
    # The web has no folders, and what looks like a file of a store is not listed as one.
    if is_address(path) and (str(path).startswith("http") or path.suffix[1:].isalpha()):
        return False
    try:
        return any(_shards_in(path, suffix)) and (is_address(path) or not any(FolderSearch(path).names()))
    except OSError:
        return False  # reading it as anything else says why


def list_shards(path: Path, suffix: str) -> list[str]:
    """List the files that a path means, in order.

    Raises:
        DataNotFoundError: if a pattern means none.
        DataError: if it means too many.
    """
    if (is_address(path) and not plain(address_of(path)).lower().endswith(suffix)) or path.is_dir():
        return sorted(_shards_in(path, suffix))
    if path.exists():
        return [str(path.absolute())]
    return [address for pattern in _joined(path) for address in _matching(pattern)]


def name_shards(addresses: Sequence[str]) -> list[Shard]:
    """Look files up, and name each by its path below the folder that all share, without the suffix.

    Raises:
        DataNotFoundError: if one does not exist.
        DataError: if one is named twice, or two differ in their suffixes alone.
    """
    if len(set(addresses)) < len(addresses):
        twice = next(address for place, address in enumerate(addresses) if address in addresses[:place])
        raise DataError(f"{file_name(twice)} is named twice")
    paths = [Path(plain(address)) for address in addresses]
    shared = (
        os.path.commonpath([path.parent for path in paths]) if len({path.is_absolute() for path in paths}) == 1 else ""
    )
    names = [path.relative_to(shared).with_suffix("").as_posix() for path in paths]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"Expected files with names of their own, by which images are named, but got {twice!r} twice")
    return [Shard(address, name, stamp_of(address)) for address, name in zip(addresses, names, strict=True)]


def _shards_in(folder: Path, suffix: str) -> Iterator[str]:
    if is_address(folder):
        return (address for address, _ in list_folder(address_of(folder)) if plain(address).lower().endswith(suffix))
    if not folder.is_dir():
        return iter(())
    files = (each for each in folder.iterdir() if each.suffix.lower() == suffix and not each.name.startswith("."))
    return (str(each.absolute()) for each in files)


def _joined(path: Path) -> list[str]:
    return [part for each in str(path).split(JOINED) for part in _expanded(each)]


def _matching(pattern: str) -> list[str]:
    """Return the files that a pattern with wildcards means; a path without any is itself."""
    remote = is_address(pattern)
    if not re.search(r"[*\[]" if remote else r"[*?\[]", pattern) or (not remote and Path(pattern).exists()):
        return [address_of(pattern) if remote else str(Path(pattern).absolute())]
    found = matching(address_of(pattern)) if remote else sorted(glob(pattern))  # noqa: PTH207 - it may be absolute
    if not found:
        raise DataNotFoundError(f"no file is meant by {pattern!r}")
    return found if remote else [str(Path(each).absolute()) for each in found]


def _expanded(pattern: str) -> Iterator[str]:
    """Expand `{000..123}` and `{a,b}`, as shells do.

    Raises:
        DataError: if these are too many.
    """
    choices, place = list[Sequence[str]](), 0
    total = 1
    for found in _BRACES.finditer(pattern):
        first, last, listed = found.groups()
        if listed is None:
            numbers = range(int(first), int(last) + 1)
            width = len(first) if first.startswith("0") else 0
            total *= len(numbers)
            _require_few(pattern, total)
            options: Sequence[str] = [f"{number:0{width}}" for number in numbers]
        else:
            options = listed.split(",")
            total *= len(options)
            _require_few(pattern, total)
        choices += [(pattern[place : found.start()],), options]
        place = found.end()
    choices.append((pattern[place:],))
    return map("".join, product(*choices))


def _require_few(pattern: str, count: int) -> None:
    if not 0 < count <= MOST_SHARDS:
        raise DataError(f"Expected {pattern!r} to name 1 to {MOST_SHARDS:,} files, but got {count:,}")
