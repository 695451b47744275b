"""Quality scores from elsewhere: CSV files of OFIQ or of this tool, and lines of a path and a number (CR-FIQA)."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from froq_lightning.data.path_matching import match_paths, path_parts
from froq_lightning.data.tables import find_column, read_table
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.reading import numbered_lines

PATH_COLUMNS = ("path", "image", "filename", "file", "file_name", "name")
# OFIQ's native unified score has more digits than its scalar in 0..100.
SCORE_COLUMNS = ("quality_score", "quality", "score", "unifiedqualityscore")
LABEL = "pseudo_quality"
LONGEST_PATH = 4096  # of Linux


def read_scores(path: str | Path, keys: Sequence[str], column: str | None = None) -> Floats:
    """Read a quality score for every key.

    A row belongs to a key if one of the two paths ends in the other. An image without a row, or with a cell that is no
    finite number, has no score.

    Args:
        path: CSV with a header (separated by commas, semicolons or tabs), Parquet, or lines "path score" without a
            header.
        keys: names of the images.
        column: of the scores; without one the usual names are tried.

    Returns:
        `[N]`, NaN where there is no score. The direction is the file's: higher must be better.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it has no such columns, names an image twice, or fits no key.
    """
    path = Path(path)
    stated = read_score_texts(path, (*SCORE_COLUMNS, LABEL) if column is None else (column.lower(),))
    found = match_paths(list(stated), keys, path.name)
    values = np.array([*map(finite_number, stated.values()), math.nan])
    scores = values[found]  # -1, where there is none, is the last
    if not np.isfinite(scores).any():
        example = next(iter(stated), "nothing")
        raise DataError(f"{path.name} scores none of the images: it names {example!r}, the data set {keys[0]!r}")
    return scores


def finite_number(text: str) -> float:
    """Read a number; NaN for whatever is none, or not finite."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def read_score_texts(path: Path, columns: Sequence[str]) -> dict[str, str]:
    """Read what a file states for every path that it names; the column is the first of `columns` that it has.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it has no such columns, or names an image twice.
    """
    if not path.is_file():
        raise DataNotFoundError(f"file {str(path)!r} does not exist")
    stated: dict[str, str] = {}
    seen = set()
    for number, (name, text) in enumerate(_rows(path, columns), start=1):
        parts = path_parts(name)
        if not parts or len(name) > LONGEST_PATH:
            told = "is empty" if not parts else f"has {len(name):,} characters"
            raise DataError(f"{path.name}, row {number}: the path {told}")
        if parts in seen:
            raise DataError(f"{path.name}, row {number}: {name!r} stands there twice")
        seen.add(parts)
        stated[name] = text
    return stated


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    delimiter = _delimiter(path)
    if not delimiter:
        yield from _lines(path)
        return
    header, rows = read_table(path, delimiter)
    image, score = find_column(header, PATH_COLUMNS), find_column(header, columns)
    for place, wanted in ((image, PATH_COLUMNS), (score, columns)):
        if header and place is None:
            listed = " or ".join(wanted)
            raise DataError(f"{path.name} has no column {listed}: Expected one, but got {', '.join(header[:12])}")
    for row in rows:
        yield row[image or 0], row[score or 0]


def _delimiter(path: Path) -> str:
    """Tell what separates the cells of a table; empty for lines without a header."""
    if path.suffix.lower() == ".parquet":
        return ","
    first = next((line for _, line in numbered_lines(path)), "").strip()
    delimiter = next((mark for mark in ";\t," if mark in first), "," if path.suffix.lower() == ".csv" else "")
    return "" if delimiter and not math.isnan(finite_number(first.split(delimiter)[-1])) else delimiter


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Read "path score" or "path,score", with any spaces in the path."""
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        cells = line.strip().replace("\t", " ").replace(";", ",")
        name, found, score = cells.rpartition("," if "," in cells else " ")
        if not found or math.isnan(finite_number(score)):
            raise DataError(f"{path.name}, line {number}: Expected a path and a score, but got {line.strip()!r}")
        yield name, score
