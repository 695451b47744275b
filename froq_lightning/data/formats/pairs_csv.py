"""Pairs CSV: columns image_a, image_b and mated."""

from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.pair_list import PairList
from froq_lightning.data.tables import read_table
from froq_lightning.errors import DataError

COLUMNS = ("image_a", "image_b", "mated")
MATED = {"1": True, "0": False, "true": True, "false": False}


def read_pairs_csv(path: Path, root: Path | None, name: str) -> ComparisonSet:
    """Read comparison trials from a file with these columns.

    Paths are relative to `root`, which they must not lead out of; by default to the file's folder, which they may.

    Raises:
        DataError: if a row is malformed; the text names it.
        DataNotFoundError: if no image exists.
    """
    header, rows = read_table(path)
    a, b, stated = map([cell.lower() for cell in header].index, COLUMNS)
    pairs = PairList()
    for number, row in enumerate(rows, start=1):
        mated = MATED.get(row[stated].strip().lower())
        if mated is None:
            raise DataError(f"{path.name}, row {number}: Expected `mated` to be 0 or 1, but got {row[stated]!r}")
        if not row[a] or not row[b]:
            raise DataError(f"{path.name}, row {number}: a path is empty")
        pairs.add(row[a], row[b], mated=mated)
    return pairs.comparisons(name, path.parent if root is None else root, confined=root is not None)
