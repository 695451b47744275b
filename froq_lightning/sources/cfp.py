"""CFP, Celebrities in Frontal-Profile in the Wild: the folder as published, with its protocol."""

from pathlib import Path

from froq_lightning.bounded_io import numbered_lines
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.pair_list import PairList
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import Request, Source

LISTS = {"F": "Pair_list_F.txt", "P": "Pair_list_P.txt"}
IMAGES = "Images/"


class Cfp(Source):
    """The folder of CFP: `Protocol` with its lists, and `Data/Images` with NNN/frontal/NN.jpg and NNN/profile/NN.jpg.

    Its parts are FP, frontal with profile faces, and FF, frontal with frontal faces.
    """

    name = "CFP folder"
    parts = ("FP", "FF")

    def fits(self, path: Path) -> bool:
        """Tell whether a folder holds the protocol."""
        return all((path / "Protocol" / name).is_file() for name in LISTS.values())

    def trials(self, request: Request) -> ComparisonSet:
        """Read the comparison trials of all folds."""
        part, protocol = request.part or self.parts[0], request.path / "Protocol"
        # Lines such as "1 ../Data/Images/001/frontal/01.jpg" say which number stands for which image.
        first, second = (
            {number: path.rpartition(IMAGES)[2] for number, path in _cells(protocol / LISTS[letter])} for letter in part
        )
        folds = sorted(fold for fold in (protocol / "Split" / part).glob("*") if fold.is_dir())
        if not folds:
            raise DataNotFoundError(f"{request.name} holds no folds: no folders below Protocol/Split/{part}")
        pairs = PairList()
        for fold in folds:
            for file, mated in ((fold / "same.txt", True), (fold / "diff.txt", False)):
                for number, (a, b) in enumerate(_cells(file), start=1):
                    if a not in first or b not in second:
                        raise DataError(
                            f"{_short(file)}, line {number}: there is no image {a if a not in first else b!r}"
                        )
                    pairs.add(first[a], second[b], mated=mated)
        root = request.path / "Data" / "Images" if request.root is None else request.root
        return pairs.comparisons(request.name, root, subject_level=2)


def _cells(file: Path) -> list[tuple[str, str]]:
    """Read lines of two cells, separated by a comma or spaces."""
    cells = []
    for number, line in numbered_lines(file, _short(file)):
        parts = line.replace(",", " ").split()
        if len(parts) != 2 and parts:
            raise DataError(f"{_short(file)}, line {number}: Expected two cells, but got {line.strip()!r}")
        cells += [(parts[0], parts[1])] if parts else []
    return cells


def _short(file: Path) -> str:
    return "/".join(file.parts[-3:])
