"""Which of the paths in a file is which image: tools name the same image by longer or shorter paths."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import DataError
from froq_lightning.names import shown

NONE = -1
SEVERAL = -2
MOST_PARTS = 100

Parts = tuple[str, ...]


def match_paths(stated: Sequence[str], keys: Sequence[str], name: str) -> npt.NDArray[np.int64]:
    """Find the stated path of every key: the same, else one that ends in it or that it ends in.

    A stated path may be the name of an image or the text that stands for that, as keys are.

    Args:
        stated: paths in a file, each once.
        keys: names of the images.
        name: of the file, for errors.

    Returns:
        `[N]` places in `stated`, -1 where there is none.

    Raises:
        DataError: if a key fits several stated paths, or a stated path several keys.
    """
    whole = {path_parts(shown(path)): place for place, path in enumerate(stated)}
    whole |= {path_parts(path): place for place, path in enumerate(stated)}
    wanted = [path_parts(key) for key in keys]
    if max(map(len, (*whole, *wanted)), default=0) > MOST_PARTS:
        raise DataError(f"{name} or the data set names a path of more than {MOST_PARTS} folders")
    ending = _endings(whole, max(map(len, wanted), default=0))
    found = np.array([_place(key, whole, ending) for key in wanted], dtype=np.int64)
    if SEVERAL in found:
        key = keys[int(np.argmax(found == SEVERAL))]
        raise DataError(f"{name} names several images that end in {key!r}; Expected paths that tell them apart")
    places, counts = np.unique(found[found != NONE], return_counts=True)
    if (counts > 1).any():
        place = int(places[np.argmax(counts > 1)])
        fitting = " and ".join(repr(keys[number]) for number in np.flatnonzero(found == place)[:2])
        raise DataError(f"{name} names {stated[place]!r}, which is {fitting}; Expected paths that tell them apart")
    return found


def path_parts(path: str) -> Parts:
    """Split a path of any system at its folders."""
    return tuple(part for part in path.strip().replace("\\", "/").split("/") if part not in ("", "."))


def _endings(whole: dict[Parts, int], longest: int) -> dict[Parts, int]:
    """Find the paths that end in up to so many parts."""
    ending: dict[Parts, int] = {}
    for parts, place in whole.items():
        for start in range(max(1, len(parts) - longest), len(parts)):
            ending[parts[start:]] = place if ending.get(parts[start:], place) == place else SEVERAL
    return ending


def _place(key: Parts, whole: dict[Parts, int], ending: dict[Parts, int]) -> int:
    if key in whole:
        return whole[key]
    if key in ending:
        return ending[key]
    return next((whole[key[start:]] for start in range(1, len(key)) if key[start:] in whole), NONE)
