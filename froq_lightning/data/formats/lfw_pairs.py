"""Pairs files of Labeled Faces in the Wild and of XQLFW: name and numbers of images, three or four to a line."""

from collections.abc import Iterator
from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.pair_list import PairList
from froq_lightning.errors import DataError
from froq_lightning.names import exists
from froq_lightning.reading import MOST_DIGITS, numbered_lines

SUFFIXES = (".jpg", ".png", ".jpeg")


def read_lfw_pairs(path: Path, root: Path | None, name: str) -> ComparisonSet:
    """Read comparison trials.

    A first line of one or two numbers (number of folds and of trials) is skipped. "NAME 1 2" is a mated trial,
    "NAME 1 OTHER 2" a non-mated one; cells are separated by tabs, or by spaces where there is no tab.

    Args:
        path: of the pairs file.
        root: folder of the images NAME/NAME_0001.jpg (or .png); by default the file's own.
        name: of the set.

    Raises:
        DataError: if a line is malformed; the text names it.
        DataNotFoundError: if no image exists.
    """
    root = path.parent if root is None else root
    pairs = PairList()
    for number, cells in _lines(path):
        if number == 1 and len(cells) <= 2 and all(map(_is_number, cells)):
            continue
        first, second = cells[:2], [cells[0], *cells[2:]][-2:]
        if len(cells) not in (3, 4) or not (_is_number(first[1]) and _is_number(second[1])):
            expected = "Expected NAME 1 2 or NAME 1 OTHER 2"
            raise DataError(f"{path.name}, line {number}: {expected}, but got {' '.join(cells)!r}")
        pairs.add(_stem(*first), _stem(*second), mated=len(cells) == 3)
    return pairs.comparisons(name, root, [_existing(root, stem) for stem in pairs.names()])


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in numbered_lines(path):
        cells = [cell.strip() for cell in line.strip().split("\t" if "\t" in line.strip() else None)]
        if any(cells):
            yield number, cells


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _stem(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}"


def _existing(root: Path, stem: str) -> str:
    """Add the suffix that the image's file has; the usual one if there is no file."""
    return next((stem + suffix for suffix in SUFFIXES if exists(root / (stem + suffix))), stem + SUFFIXES[0])
