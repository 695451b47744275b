"""Long text files of whole numbers, read into arrays a chunk at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from froq_lightning.bounded_io import MOST_DIGITS, require_file
from froq_lightning.errors import DataError

CHUNK = 1 << 24


def read_number_lines(path: Path, columns: int) -> Iterator[npt.NDArray[np.int64]]:
    """Read lines of whole numbers, separated by spaces or tabs, in chunks of 16 MB.

    Yields:
        `[lines, columns]`

    Raises:
        DataError: if a line holds anything else; the text names it.
    """
    lines, rest = 0, b""
    require_file(path, path.name)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            whole, _, rest = (rest + chunk).rpartition(b"\n")
            if whole:
                yield _numbers(path, whole, columns, lines)
                lines += whole.count(b"\n") + 1
    if rest.strip():
        yield _numbers(path, rest, columns, lines)


def _numbers(path: Path, text: bytes, columns: int, before: int) -> npt.NDArray[np.int64]:
    """Parse whole lines; where their numbers do not fit their count, find the line that is wrong."""
    foreign = text.translate(None, b"0123456789 \t\r\n")
    values = np.fromstring(b"" if foreign else text, dtype=np.int64, sep=" ")
    if not foreign and len(values) == columns * (text.count(b"\n") + 1):
        return values.reshape(-1, columns)
    kept = []
    for number, line in enumerate(text.split(b"\n"), start=before + 1):
        cells = line.split()
        if cells and (len(cells) != columns or any(not cell.isdigit() or len(cell) > MOST_DIGITS for cell in cells)):
            told = line[:60].decode("latin-1").strip()
            raise DataError(f"{path.name}, line {number:,}: Expected {columns} whole numbers, but got {told!r}")
        kept += [list(map(int, cells))] if cells else []
    return np.array(kept, dtype=np.int64).reshape(-1, columns)
