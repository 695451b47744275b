"""Comparison trials between the images of an archive: images 2n and 2n + 1 make the n-th trial."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from froq_lightning.bounded_io import read_array
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.formats.insightface_bin import BinFile
from froq_lightning.data.formats.memfile import Memfile
from froq_lightning.data.record_table import RecordTable
from froq_lightning.data.subjects import subjects_of
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.evaluation.comparisons import Booleans


def read_bin_pairs(path: Path, name: str) -> ComparisonSet:
    """Read the trials of an insightface .bin file.

    Raises:
        DataError: if it is no such pickle.
    """
    archive = BinFile.open(path)
    known: dict[tuple[int, int], bytes] = {}

    def digest(position: int) -> bytes:
        place = archive.place(position)  # one stretch of the file may be a million images
        if place not in known:
            known[place] = _digest(archive.content(position))
        return known[place]

    return pair_up(name, archive.records(), archive.mated(), digest)


def read_memfile_pairs(path: Path, name: str) -> ComparisonSet:
    """Read the trials of an AdaFace memfile.

    Args:
        path: of `NAME/memfile/mem_file.dat`; `NAME_list.npy` stands beside the folder NAME.
        name: of the set.

    Raises:
        DataNotFoundError: if a file is missing.
        DataError: if one is malformed.
    """
    archive = Memfile.open(path)
    folder = path.absolute().parent.parent
    told = folder.with_name(f"{folder.name}_list.npy")
    try:
        mated = read_array(told)
    except DataNotFoundError as error:
        raise DataNotFoundError(
            f"{told.name}, which tells the mated trials, does not exist beside {folder.name}"
        ) from error
    except DataError as error:
        raise DataError(f"{told.name} is no array of numpy's: {error}") from error
    if mated.ndim != 1 or mated.dtype.kind not in "biu" or not np.isin(mated, (0, 1)).all():
        raise DataError(f"Expected {told.name} to hold booleans, but got {list(mated.shape)} of {mated.dtype}")
    return pair_up(name, archive.records(), mated.astype(np.bool_), lambda position: _digest(archive.content(position)))


def pair_up(name: str, records: RecordTable, mated: Booleans, digest: Callable[[int], bytes]) -> ComparisonSet:
    """Make trials of images that follow each other; images of equal digests are one.

    Raises:
        DataError: if there are not two images per trial.
    """
    if len(records) != 2 * len(mated):
        raise DataError(f"Expected {name} to hold two images per trial, but got {len(records)} and {len(mated)}")
    places: dict[bytes, int] = {}
    kept: list[int] = []
    ends = np.empty(len(records), dtype=np.int32)
    for position in range(len(records)):
        told = digest(position)
        if told not in places:
            places[told] = len(kept)
            kept.append(position)
        ends[position] = places[told]
    first, second = ends[::2], ends[1::2]
    subjects, note = subjects_of(len(kept), first, second, mated)
    images = replace(records, keys=[records.keys[place] for place in kept], positions=np.array(kept))
    return ComparisonSet(name, images, first, second, mated, subjects, note=note)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
