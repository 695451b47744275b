"""Matching the paths in a file with images: tools name the same image by longer or shorter paths."""

import re
from collections.abc import Callable, Mapping, Sequence
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from froq_lightning.data.images import SUFFIXES
from froq_lightning.errors import DataError
from froq_lightning.names import escape_name

NONE = -1
SEVERAL = -2
MOST_PARTS = 100

_SUFFIX = re.compile(f"({'|'.join(map(re.escape, sorted(SUFFIXES)))})$", re.IGNORECASE)

Parts = tuple[str, ...]


def match_paths(stated: Sequence[str], keys: Sequence[str], name: str) -> npt.NDArray[np.int64]:
    """Find the stated path of every key: the same, else one that ends in it or that it ends in.

    A stated path may be the name of an image or the text that stands for that, as keys are. What that leaves over is
    compared in NFC, and then without the suffixes of images.

    Args:
        stated: paths in a file, each once.
        keys: names of the images.
        name: of the file, for errors.

    Returns:
        `[N]` places in `stated`, -1 where there is none.

    Raises:
        DataError: if a key fits several stated paths, or a stated path several keys.
    """
    found = np.full(len(keys), NONE, dtype=np.int64)
    spellings: tuple[Callable[[str], str], ...] = (str, _composed, _bare)
    for spelled in spellings:
        is_clearer = True
        while is_clearer:
            taken = set(found.tolist())
            named = _named({place: path for place, path in enumerate(stated) if place not in taken}, spelled)
            missing = np.flatnonzero(found < 0).tolist()
            if not named or not missing:
                break
            wanted = [path_parts(spelled(keys[number])) for number in missing]
            if max(map(len, (*named, *wanted))) > MOST_PARTS:
                raise DataError(f"{name} or the data set names a path of more than {MOST_PARTS} folders")
            found[missing] = new = _places(named, wanted)
            # What longer paths have taken may leave one place for a shorter one.
            is_clearer = SEVERAL in new and bool((new >= 0).any())
    _require_one(found, stated, keys, name)
    return found


def _named(stated: Mapping[int, str], spelled: Callable[[str], str]) -> dict[Parts, int]:
    """Find the place of every path; of a name and a text that stands for another name, the name counts."""
    named: dict[Parts, int] = {}
    for place, path in stated.items():
        parts = path_parts(spelled(path))
        named[parts] = SEVERAL if parts in named else place
    return {path_parts(spelled(escape_name(path))): place for place, path in stated.items()} | named


def _places(named: dict[Parts, int], wanted: Sequence[Parts]) -> npt.NDArray[np.int64]:
    """Find the place of every wanted path; an equal path, or one that shares more folders, goes first."""
    same = {named[key] for key in wanted if key in named}
    others = {parts: place for parts, place in named.items() if place not in same}
    ending = _endings(others, max(map(len, wanted)))
    found = [named[key] if key in named else _place(key, others, ending) for key in wanted]
    depth = {place: len(parts) for parts, place in named.items()}
    shared = [min(len(key), depth.get(place, 0)) for key, place in zip(wanted, found, strict=True)]
    most: dict[int, int] = {}
    for place, count in zip(found, shared, strict=True):
        most[place] = max(count, most.get(place, 0))
    nearest = [place if place < 0 or count == most[place] else NONE for place, count in zip(found, shared, strict=True)]
    return np.array(nearest, dtype=np.int64)


def _require_one(found: npt.NDArray[np.int64], stated: Sequence[str], keys: Sequence[str], name: str) -> None:
    if SEVERAL in found:
        key = keys[int(np.argmax(found == SEVERAL))]
        raise DataError(f"{name} names several images that may be {key!r}; Expected paths that tell them apart")
    places, counts = np.unique(found[found != NONE], return_counts=True)
    if (counts > 1).any():
        place = int(places[np.argmax(counts > 1)])
        fitting = " and ".join(repr(keys[number]) for number in np.flatnonzero(found == place)[:2])
        raise DataError(f"{name} names {stated[place]!r}, which is {fitting}; Expected paths that tell them apart")


def path_parts(path: str) -> Parts:
    """Split a path of any system at its folders."""
    return tuple(part for part in path.strip().replace("\\", "/").split("/") if part not in ("", "."))


def _composed(path: str) -> str:
    """Put accents together with their letters, as other systems do."""
    return normalize("NFC", path)


def _bare(path: str) -> str:
    """Take the suffix of images off."""
    return _SUFFIX.sub("", _composed(path))


def _endings(whole: dict[Parts, int], longest: int) -> dict[Parts, int]:
    """Find the paths that end in up to so many parts."""
    ending: dict[Parts, int] = {}
    for parts, place in whole.items():
        for start in range(max(1, len(parts) - longest), len(parts)):
            ending[parts[start:]] = place if ending.get(parts[start:], place) == place else SEVERAL
    return ending


def _place(key: Parts, whole: dict[Parts, int], ending: dict[Parts, int]) -> int:
    if key in ending:
        return ending[key]
    return next((whole[key[start:]] for start in range(1, len(key)) if key[start:] in whole), NONE)
