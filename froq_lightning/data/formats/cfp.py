"""CFP, Celebrities in Frontal-Profile in the Wild: the folder as published, with its protocol."""

from pathlib import Path

from froq_lightning.bounded_io import numbered_lines
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.pair_list import PairList
from froq_lightning.errors import DataError, DataNotFoundError

PARTS = ("FP", "FF")
LISTS = {"F": "Pair_list_F.txt", "P": "Pair_list_P.txt"}
IMAGES = "Images/"


def is_cfp(path: Path) -> bool:
    """Whether a folder holds the protocol."""
    return all((path / "Protocol" / name).is_file() for name in LISTS.values())


def read_cfp(path: Path, root: Path | None, name: str, part: str) -> ComparisonSet:
    """Read the comparison trials of all folds.

    Args:
        path: of the folder that holds `Protocol` and `Data`.
        root: folder of the images NNN/frontal/NN.jpg; by default `Data/Images`.
        name: of the set.
        part: "FF", frontal with frontal faces, or "FP", frontal with profile faces.

    Raises:
        DataError: if a file of the protocol is malformed; the text names the line.
        DataNotFoundError: if a fold or all images are missing.
    """
    protocol = path / "Protocol"
    first, second = (_images(protocol / LISTS[letter]) for letter in part)
    folds = sorted(fold for fold in (protocol / "Split" / part).glob("*") if fold.is_dir())
    if not folds:
        raise DataNotFoundError(f"{name} holds no folds: no folders below Protocol/Split/{part}")
    pairs = PairList()
    for fold in folds:
        for file, mated in ((fold / "same.txt", True), (fold / "diff.txt", False)):
            for number, (a, b) in enumerate(_cells(file), start=1):
                if a not in first or b not in second:
                    raise DataError(f"{_told(file)}, line {number}: there is no image {a if a not in first else b!r}")
                pairs.add(first[a], second[b], mated=mated)
    return pairs.comparisons(name, path / "Data" / "Images" if root is None else root, subject_level=2)


def _images(file: Path) -> dict[str, str]:
    """Read which number stands for which image, "1 ../Data/Images/001/frontal/01.jpg"."""
    return {number: path.rpartition(IMAGES)[2] for number, path in _cells(file)}


def _cells(file: Path) -> list[tuple[str, str]]:
    """Read lines of two cells, separated by a comma or spaces."""
    cells = []
    for number, line in numbered_lines(file, _told(file)):
        parts = line.replace(",", " ").split()
        if len(parts) != 2 and parts:
            raise DataError(f"{_told(file)}, line {number}: Expected two cells, but got {line.strip()!r}")
        cells += [(parts[0], parts[1])] if parts else []
    return cells


def _told(file: Path) -> str:
    return "/".join(file.parts[-3:])
