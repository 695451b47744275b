"""Tables of pairs: columns image_a, image_b and mated; lines of these without a header; CPLFW's two lines a trial."""

from collections.abc import Iterator
from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.pair_list import PairList
from froq_lightning.data.tables import Table, is_table, is_whole, read_table
from froq_lightning.errors import DataError
from froq_lightning.sources.source import Request, Source

COLUMNS = ("image_a", "image_b", "mated")
NAMES = ("image", "img", "path", "file", "filename")
FIRST, SECOND = (tuple(f"{name}_{side}" for name in NAMES for side in sides) for sides in ("a1", "b2"))
SAME = ("mated", "issame", "same", "label", "target")
MATED = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "same", "genuine", "mated", "issame"), True),
    **dict.fromkeys(("0", "0.0", "-1", "false", "no", "diff", "different", "impostor", "imposter", "nonmated"), False),
}

Trials = Iterator[tuple[int, str, str, bool]]


class Pairs(Source):
    """Tables with a column for either image and one that says whether they are mated, and lists of such trials.

    Lists without a header have lines "a.jpg b.jpg 1", or two lines a trial, "a.jpg 1" and "b.jpg 1" (CPLFW). Paths are
    relative to `root`, which they must not lead out of; by default to the file's folder, which they may.
    """

    name = f"pairs of images ({', '.join(COLUMNS)}), table or list"

    def fits(self, path: Path) -> bool:
        """Tell whether a table is of one of these forms."""
        return is_table(path, lambda table: _has_columns(table) or _is_list(table) or _is_two_line_list(table))

    def trials(self, request: Request) -> ComparisonSet:
        """Read the comparison trials."""
        table, pairs = read_table(request.path), PairList()
        read = _two_lines if _is_two_line_list(table) else _columns if _has_columns(table) else _lines
        for number, first, second, mated in read(table):
            pairs.add(table.path(number, first), table.path(number, second), mated=mated)
        root = request.path.parent if request.root is None else request.root
        return pairs.comparisons(request.name, root, confined=request.root is not None)


def _has_columns(table: Table) -> bool:
    return None not in (table.column(*FIRST), table.column(*SECOND), table.column(*SAME))


def _is_list(table: Table) -> bool:
    """Tell whether lines without a header are two images and whether they are mated."""
    cells = table.first_line
    if len(cells) != 3 or _mated(cells[2]) is None or is_whole(cells[1]):
        return False
    return is_whole(cells[2]) or all(any(mark in cell for mark in "./\\") for cell in cells[:2])  # no header


def _is_two_line_list(table: Table) -> bool:
    """Tell whether lines without a header are an image and a number, two lines a trial."""
    cells = table.first_line
    return len(cells) == 2 and Path(cells[0]).suffix.lower() in SUFFIXES and is_whole(cells[1])


def _columns(table: Table) -> Trials:
    a, b, stated = (table.column(*names) or 0 for names in (FIRST, SECOND, SAME))
    for number, row in table.rows():
        yield number, row[a], row[b], require_mated(table, number, row[stated])


def _lines(table: Table) -> Trials:
    for number, row in table.lines():
        if len(row) != 3:
            expected = "Expected two images and whether they are mated"
            raise DataError(f"{table.where(number)}: {expected}, but got {' '.join(row)!r}")
        yield number, row[0], row[1], require_mated(table, number, row[2])


def _two_lines(table: Table) -> Trials:
    """Read lines of an image and a number; two make a trial, mated unless their number is 0, and have the same."""
    lines = table.lines()
    for number, row in lines:
        other, second = next(lines, (number, []))
        if len(row) != 2 or len(second) != 2 or row[1] != second[1] or not is_whole(row[1]):
            expected = "Expected two lines of an image and the same number"
            raise DataError(f"{table.where(number)}: {expected}, but got {' '.join(row)!r} and {' '.join(second)!r}")
        yield other, row[0], second[0], int(row[1]) > 0


def require_mated(table: Table, number: int, cell: str) -> bool:
    """Read whether the trial of a row is mated.

    Raises:
        DataError: if a cell says neither.
    """
    mated = MATED[cell] if cell in MATED else _mated(cell)
    if mated is None:
        raise DataError(f"{table.where(number)}: Expected `mated` to be 0 or 1, but got {cell!r}")
    return mated


def _mated(cell: str) -> bool | None:
    """Read whether a trial is mated; None if a cell says neither."""
    return MATED.get(cell.lower().replace("non-", "non"))
