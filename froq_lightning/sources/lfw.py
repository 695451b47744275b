"""Pairs files of Labeled Faces in the Wild and of XQLFW: name and numbers of images, three or four to a line."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.pair_list import PairList
from froq_lightning.data.tables import Table, is_table, is_whole, read_table
from froq_lightning.errors import DataError
from froq_lightning.names import exists
from froq_lightning.sources.source import Request, Source

NUMBER = "imagenum1"  # a column, where the list is handed on as CSV


class Lfw(Source):
    """Lists of LFW and XQLFW: "NAME 1 2" is a mated trial, "NAME 1 OTHER 2" a non-mated one.

    A first line of one or two numbers (of folds and of trials) or of names of columns is skipped. The images are
    NAME/NAME_0001.jpg, or of any other suffix of images, in the file's own folder unless `root` says otherwise.
    """

    name = "LFW or XQLFW pairs.txt"

    def fits(self, path: Path) -> bool:
        """Tell whether a table begins as a pairs file does."""
        return is_table(path, lambda table: _is_headed(table) or _is_trial(table.first_line))

    def trials(self, request: Request) -> ComparisonSet:
        """Read the comparison trials."""
        root = request.path.parent if request.root is None else request.root
        table, pairs = read_table(request.path), PairList()
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
        return pairs.comparisons(request.name, root, names)


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
