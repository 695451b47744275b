"""Pairs files of Labeled Faces in the Wild and of XQLFW: name and numbers of images, three or four to a line."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.pair_list import PairList
from froq_lightning.data.tables import Table, is_whole, read_table
from froq_lightning.errors import DataError
from froq_lightning.names import exists

NUMBER = "imagenum1"  # a column, where the list is handed on as CSV


def is_lfw_list(table: Table) -> bool:
    """Tell whether a table begins as a pairs file does."""
    return _is_headed(table) or _is_trial(table.first_line)


def read_lfw_pairs(path: Path, root: Path | None, name: str) -> ComparisonSet:
    """Read comparison trials.

    A first line of one or two numbers (number of folds and of trials) or of names of columns is skipped. "NAME 1 2" is
    a mated trial, "NAME 1 OTHER 2" a non-mated one.

    Args:
        path: of the pairs file.
        root: folder of the images NAME/NAME_0001.jpg, or of any other suffix of images; by default the file's own.
        name: of the set.

    Raises:
        DataError: if a line is malformed; the text names it.
        DataNotFoundError: if no image exists.
    """
    root = path.parent if root is None else root
    table, pairs = read_table(path), PairList()
    for number, cells in table.lines():
        if number == table.first and _is_headed(table):
            continue
        if not _is_trial(cells):
            expected = "Expected NAME 1 2 or NAME 1 OTHER 2"
            raise DataError(f"{table.where(number)}: {expected}, but got {' '.join(cells)!r}")
        first, second = cells[:2], [cells[0], *cells[2:]][-2:]
        pairs.add(_stem(*first), _stem(*second), mated=len(cells) == 3)
    listed = cache(_images)
    names = [listed(root / stem.split("/")[0]).get(stem, f"{stem}.jpg") for stem in pairs.names()]
    return pairs.comparisons(name, root, names)


def _is_headed(table: Table) -> bool:
    numbers = len(table.first_line) in (1, 2) and all(map(is_whole, table.first_line))
    return numbers or table.column(NUMBER) is not None


def _is_trial(cells: list[str]) -> bool:
    return len(cells) in (3, 4) and is_whole(cells[1]) and is_whole(cells[-1])


def _stem(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}"


def _images(folder: Path) -> Mapping[str, str]:
    """Find the images in a folder by their names without suffix; of several, a .jpg, or else the last by name."""
    if not exists(folder):
        return {}
    paths = sorted(folder.iterdir(), key=lambda path: (path.suffix == ".jpg", path.name))
    named = [path for path in paths if path.suffix.lower() in SUFFIXES]
    return {f"{folder.name}/{path.stem}": f"{folder.name}/{path.name}" for path in named}
