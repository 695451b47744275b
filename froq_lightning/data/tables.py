"""Tables in text files and Parquet, row by row, every cell as text: manifests, labels, scores and pairs."""

import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from froq_lightning.bounded_io import MOST_DIGITS, numbered_lines
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
PATH_COLUMNS = ("path", "image", "filename", "file", "image_path", "file_path", "name")
LONGEST_PATH = 4096  # of Linux
ROWS_AT_A_TIME = 2**12  # of Parquet

Rows = Iterator[tuple[int, list[str]]]

# Excel may name the delimiter in a first line of its own.
_SEPARATOR_LINE = re.compile(r"\s*sep=([\t;,])\s*")
_QUOTED = re.compile(r'"[^"]*"')
_SPACE_BEHIND_DELIMITER = re.compile(r"(?<=[,;])\s+")
_SPACE_BEHIND_QUOTE = re.compile(r'(?<!")" +(?=[\t;,])')
_DECIMAL_COMMA_BEHIND_SPACE = re.compile(r"\.\w+\s+[-+]?\d+,\d+\s*$")


@dataclass(frozen=True)
class Table:
    """A table whose rows are read once, as they are asked for.

    Args:
        name: of the file.
        header: cells of the first row, without empty ones at its end; nothing in an empty file.
        first: number of that row.
        rest: the rows below it.
        unit: what the numbers count.
    """

    name: str
    header: list[str]
    first: int
    rest: Rows
    unit: str = "line"

    def column(self, *names: str) -> int | None:
        """Find the column of the first of some names, whatever their case, spaces, underscores and hyphens."""
        plain = [_plain(cell) for cell in self.header]
        return next((plain.index(_plain(name)) for name in names if _plain(name) in plain), None)

    def rows(self, *, headed: bool = True) -> Rows:
        """Read the rows, below the header if there is one; empty cells behind its last column are left out.

        Raises:
            DataError: if a row has not as many cells as the first.
        """
        width = len(self.header)
        for number, row in self.rest if headed else self._all():
            if len(row) != width:
                if len(row) < width or any(row[width:]):
                    expected = f"Expected {width} cells as in {self.unit} {self.first}, but got {len(row)}: {row}"
                    raise DataError(f"{self.where(number)}: {expected}")
                del row[width:]
            yield number, row

    def lines(self) -> Rows:
        """Read the rows of a list without a header; their number of cells may differ, and spaces may part them too."""
        for number, row in self._all():
            yield number, _parted(row)

    @property
    def first_line(self) -> list[str]:
        """The cells of the first of these rows."""
        return _parted(self.header)

    def _all(self) -> Rows:
        return chain([(self.first, self.header)] if self.header else [], self.rest)

    def where(self, number: int) -> str:
        """Name a row."""
        return f"{self.name}, {self.unit} {number}"

    def path(self, number: int, cell: str) -> str:
        """Check that a cell of a row is a path.

        Raises:
            DataError: if it is empty, or longer than any.
        """
        if not cell:
            raise DataError(f"{self.where(number)}: the path is empty")
        if len(cell) > LONGEST_PATH:
            raise DataError(f"{self.where(number)}: the path has {len(cell):,} characters")
        return cell


def read_table(path: Path) -> Table:
    """Open a table: text in UTF-8 or UTF-16, or Parquet.

    Cells of text are separated by tabs, semicolons or commas, whichever the first line has, or by spaces if that is a
    header; spaces around them, a mark of the byte order and rows without text do not count. A missing cell of a Parquet
    file is empty.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it is no such file; perhaps raised by a later row.
        ConfigurationError: if it is a Parquet file and pyarrow is not installed.
    """
    if not path.is_file():
        raise DataNotFoundError(f"file {str(path)!r} does not exist")
    if path.suffix.lower() == ".parquet":
        rows = _parquet_rows(path)
        return Table(path.name, [cell.strip() for cell in next(rows, [])], 0, enumerate(rows, start=1), unit="row")
    numbered = _text_rows(path, _delimiter(path))
    first, row = next(numbered, (0, []))
    return Table(path.name, row[: _width(row)], first, numbered)


def is_table(path: Path, fits: Callable[[Table], bool]) -> bool:
    """Tell whether a path is a table of a certain kind."""
    return path.suffix.lower() in SUFFIXES and path.is_file() and fits(read_table(path))


def finite_number(text: str) -> float:
    """Read a number, perhaps with a decimal comma; NaN for whatever is none, or not finite."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def is_whole(text: str) -> bool:
    """Tell whether a text is a whole number."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _delimiter(path: Path) -> str:
    """Tell from the first lines that have text what separates cells; a comma if nothing does."""
    line, below, *_ = *islice((line for _, line in numbered_lines(path) if line.strip()), 2), "", ""
    if stated := _SEPARATOR_LINE.fullmatch(line):
        return stated[1]
    if _DECIMAL_COMMA_BEHIND_SPACE.search(line):
        return ";"
    bare = _SPACE_BEHIND_DELIMITER.sub("", _QUOTED.sub("", line).strip(" \r\n"))
    is_header = all(map(str.isidentifier, line.split())) and len(line.split()) == len(below.split()) > 1
    spaces = is_header and not math.isnan(finite_number(below.rsplit(maxsplit=1)[-1]))
    return next((mark for mark in "\t;," if mark in bare), " " if spaces else ",")


def _text_rows(path: Path, delimiter: str) -> Rows:
    lines = (_SPACE_BEHIND_QUOTE.sub('"', line) if '" ' in line else line for _, line in numbered_lines(path))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if any(row) and not (reader.line_num == 1 and _SEPARATOR_LINE.fullmatch(delimiter.join(cells))):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: is no CSV: {error}") from error


def _parquet_rows(path: Path) -> Iterator[list[str]]:
    """Read the names of the columns, and then row by row their cells as text; a missing cell is empty.

    Columns of lists and structures, such as embeddings, are left out.
    """
    try:
        from pyarrow import ArrowException, parquet, types  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("Parquet manifests need pyarrow: pip install 'froq-lightning[parquet]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            names = [field.name for field in file.schema_arrow if not types.is_nested(field.type)]
            yield names
            for batch in file.iter_batches(ROWS_AT_A_TIME, columns=names):
                columns = [
                    ["" if cell is None else str(cell) for cell in column.to_pylist()] for column in batch.columns
                ]
                yield from map(list, zip(*columns, strict=True))
    except (ArrowException, OSError) as error:
        raise DataError(f"{path.name} is no Parquet file: {error}") from error


def _width(row: list[str]) -> int:
    """Count the cells up to the last that is not empty."""
    return max((place for place, cell in enumerate(row, start=1) if cell), default=0)


def _parted(row: list[str]) -> list[str]:
    """Part a row at tabs, or else at spaces, where nothing else parts it."""
    cells = row[: _width(row)]
    if len(cells) == 1:
        return [cell.strip() for cell in cells[0].split("\t" if "\t" in cells[0] else None)]
    return cells


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
