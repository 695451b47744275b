"""Comparison trials between images that stand in pairs: named in a list, or one after the other in an archive."""

from array import array
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path, PurePath

import numpy as np

from froq_lightning.data.comparison_set import ComparisonSet, numbered, subjects_of
from froq_lightning.data.image_refs import RefTable
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.evaluation.comparisons import Booleans
from froq_lightning.names import exists, is_below, resolve_name


class PairList:
    """Pairs of images by name; every image is kept once, in the order of its first appearance."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._first, self._second, self._mated = array("i"), array("i"), array("b")

    def add(self, first: str, second: str, *, mated: bool) -> None:
        """Add a trial."""
        places = self._places
        self._first.append(places.setdefault(first, len(places)))
        self._second.append(places.setdefault(second, len(places)))
        self._mated.append(mated)

    def names(self) -> list[str]:
        """Names of the images."""
        return list(self._places)

    def comparisons(
        self,
        name: str,
        root: Path,
        keys: Sequence[str] | None = None,
        *,
        subject_level: int = 1,
        confined: bool = True,
    ) -> ComparisonSet:
        """Turn the trials into a set.

        The folder of an image names its subject if that agrees with all trials; otherwise, images that mated trials
        connect are of one subject.

        Args:
            name: of the set.
            root: folder that the keys are relative to.
            keys: paths of the images; by default their names.
            subject_level: how far above an image the folder is that bears its subject's name.
            confined: whether keys that lead out of `root` are a problem.

        Raises:
            DataNotFoundError: if not one of the images exists.
            DataError: if there are no trials.
        """
        # An image whose name is spelled in several ways is one image.
        places: dict[str, int] = {}
        spelled = (str(PurePath(resolve_name(root, key))) for key in (self.names() if keys is None else keys))
        image = np.array([places.setdefault(key, len(places)) for key in spelled], dtype=np.int32)
        keys = list(places)
        if not keys:
            raise DataError(f"{name} holds no comparison trials")
        paths = (root / key for key in keys)
        if not any(exists(path) and (is_below(root, path) or not confined) for path in paths):
            where = f"below {str(root)!r}, such as {keys[0]!r}"
            raise DataNotFoundError(f"none of the {len(keys):,} images of {name} exists {where}; set `root`")
        first, second = (image[np.frombuffer(side, dtype=np.int32)] for side in (self._first, self._second))
        mated = np.array(self._mated, dtype=np.bool_)
        subjects, note = numbered([_folder(key, subject_level) for key in keys]), ""
        if not np.array_equal(subjects[first] == subjects[second], mated):
            subjects, note = subjects_of(len(keys), first, second, mated)
        return ComparisonSet(name, RefTable(keys, root, confined=confined), first, second, mated, subjects, note=note)


def _folder(key: str, level: int) -> str:
    parts = PurePath(key).parts
    return parts[-1 - level] if len(parts) > level else ""


def pair_up(
    name: str,
    images: RefTable,
    mated: Booleans,
    content: Callable[[int], bytes],
    place: Callable[[int], Hashable] = int,
) -> ComparisonSet:
    """Make the n-th trial of images 2n and 2n + 1 of an archive; images of equal content are one.

    Args:
        name: of the set.
        images: 2P images.
        mated: `[P]` bool, whether both images of a trial show the same subject.
        content: the image at a position, as it is stored.
        place: what images share that are stored once; a million images may be one stretch of a file.

    Raises:
        DataError: if there are not two images per trial.
    """
    if len(images) != 2 * len(mated):
        raise DataError(f"Expected {name} to hold two images per trial, but got {len(images)} and {len(mated)}")
    digests: dict[Hashable, bytes] = {}
    positions: dict[bytes, int] = {}  # of the first image of every content
    for position in range(len(images)):
        if (key := place(position)) not in digests:
            digests[key] = blake2b(content(position), digest_size=16).digest()
        positions.setdefault(digests[key], position)
    numbers = {digest: number for number, digest in enumerate(positions)}
    ends = np.array([numbers[digests[place(position)]] for position in range(len(images))], dtype=np.int32)
    first, second = ends[::2], ends[1::2]
    subjects, note = subjects_of(len(positions), first, second, mated)
    distinct = list(positions.values())
    images = replace(images, keys=[images.keys[position] for position in distinct], positions=np.array(distinct))
    return ComparisonSet(name, images, first, second, mated, subjects, note=note)
