"""Pairs CSV: columns image_a, image_b and mated."""

from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.pair_list import PairList
from froq_lightning.data.tables import find_column, read_table
from froq_lightning.errors import DataError

COLUMNS = ("image_a", "image_b", "mated")
MATED = {"1": True, "0": False, "true": True, "false": False}


def read_pairs_csv(path: Path, root: Path | None, name: str) -> ComparisonSet:
    """Read comparison trials; paths are relative to `root`, by default the file's folder.

    Raises:
        DataError: if a column is missing, or a row is malformed; the text names the row.
        DataNotFoundError: if no image exists.
    """
    header, rows = read_table(path)
    places = [find_column(header, (column,)) for column in COLUMNS]
    a, b, stated = (-1 if place is None else place for place in places)
    if min(a, b, stated) < 0:
        raise DataError(f"Expected {path.name} to have columns {', '.join(COLUMNS)}, but got {', '.join(header)}")
    pairs = PairList()
    for number, row in enumerate(rows, start=1):
        mated = MATED.get(row[stated].strip().lower())
        if mated is None:
            raise DataError(f"{path.name}, row {number}: Expected `mated` to be 0 or 1, but got {row[stated]!r}")
        if not row[a] or not row[b]:
            raise DataError(f"{path.name}, row {number}: a path is empty")
        pairs.add(row[a], row[b], mated=mated)
    return pairs.comparisons(name, path.parent if root is None else root)
