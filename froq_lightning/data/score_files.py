"""Labels and quality scores in files: tables of OFIQ or of this tool, and lines of a path and a number (CR-FIQA)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.path_matching import NONE, Parts, match_paths, path_parts
from froq_lightning.data.tables import PATH_COLUMNS, Table, finite_number, read_table
from froq_lightning.errors import DataError
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.names import escape_cell, escape_name

# OFIQ's native unified score has more digits than its scalar in 0..100.
SCORE_COLUMNS = ("quality_score", "quality", "score", "unifiedqualityscore")
LABEL = "pseudo_quality"


def read_scores(path: str | Path, keys: Sequence[str], column: str | None = None) -> Floats:
    """Read a quality score for every key.

    A row belongs to a key if one of the two paths ends in the other, perhaps with another suffix of images or without
    one. An image without a row, or with a cell that is no finite number, has no score.

    Args:
        path: a table with a header, or lines "path score" without one.
        keys: names of the images.
        column: of the scores; without one the usual names are tried.

    Returns:
        `[N]`, NaN where there is no score. The direction is the file's: higher must be better.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it has no such columns, names an image twice with different values, or fits no key.
    """
    path = Path(path)
    stated = read_score_texts(path, (*SCORE_COLUMNS, LABEL) if column is None else (column,))
    found = match_paths(list(stated), keys, path.name)
    values = np.array([*map(finite_number, stated.values()), math.nan])
    scores = values[found]  # -1, where there is none, is the last
    if not np.isfinite(scores).any():
        example = next(iter(stated), "nothing")
        raise DataError(f"{path.name} scores none of the images: it names {example!r}, the data set {keys[0]!r}")
    return scores


def read_score_texts(path: Path, columns: Sequence[str]) -> dict[str, str]:
    """Read what a file states for every path that it names; the column is the first of `columns` that it has.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it has no such columns, or names an image twice with different values.
    """
    table = read_table(path)
    stated: dict[str, str] = {}
    seen: dict[Parts, str] = {}
    for number, name, text in _rows(table, columns):
        parts = path_parts(table.path(number, name))
        if not parts:
            raise DataError(f"{table.where(number)}: the path is empty")
        if parts not in seen:
            seen[parts] = stated[name] = text
        elif str(finite_number(seen[parts])) != str(finite_number(text)):  # as text, so that NaN is like NaN
            raise DataError(f"{table.where(number)}: {name!r} stands there twice, with {seen[parts]!r} and {text!r}")
    return stated


def _rows(table: Table, columns: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Read number, path and value of every row."""
    image, score = table.column(*PATH_COLUMNS), table.column(*columns)
    numbers = [not math.isnan(finite_number(cell)) for cell in table.header[-1:]]
    if image is None and score is None and (len(table.header) == 1 or any(numbers)):
        yield from _lines(table)
        return
    for place, wanted in ((image, PATH_COLUMNS), (score, columns)):
        if table.header and place is None:
            listed = " or ".join(wanted)
            raise DataError(
                f"{table.name} has no column {listed}: Expected one, but got {', '.join(table.header[:12])}"
            )
    for number, row in table.rows():
        yield number, row[image or 0], row[score or 0]


def _lines(table: Table) -> Iterator[tuple[int, str, str]]:
    """Read lines "path score" without a header; the path may hold spaces."""
    for number, row in table.rows(headed=False):
        cells = row[0].rsplit(maxsplit=1) if len(row) == 1 else row
        if len(cells) != 2 or math.isnan(finite_number(cells[1])):
            raise DataError(f"{table.where(number)}: Expected a path and a score, but got {' '.join(row)!r}")
        yield number, cells[0], cells[1]


def with_labels(images: Iterable[ImageRef], labels: str | Path, *, only_images: bool = False) -> list[ImageRef]:
    """Give images the pseudo-quality that a label file states for their keys.

    An image without a label gets a problem; a label without an image becomes an image with one.

    Args:
        images: of a source.
        labels: a table with columns `path` and `pseudo_quality`, or any file of scores; its paths may be longer or
            shorter than the keys.
        only_images: whether labels without an image are left out.

    Raises:
        DataNotFoundError: if the label file does not exist.
        DataError: if it has no such columns, names an image twice with different values, or fits no image.
    """
    images, labels = list(images), Path(labels)
    stated = read_score_texts(labels, (LABEL, *SCORE_COLUMNS))
    names, texts = list(stated), list(stated.values())
    places = match_paths(names, [image.key for image in images], labels.name)
    if (places == NONE).all():
        where = "that was drawn from the source" if only_images else "of the source"
        raise DataError(f"none of the {len(stated)} paths in {labels.name} is an image {where}")
    merged = [
        replace(image, pseudo_quality=math.nan, problem=f"no label in {labels.name}")
        if place == NONE
        else labelled(image, texts[place])
        for image, place in zip(images, places, strict=True)
    ]
    extra = [] if only_images else sorted(set(range(len(names))) - set(places.tolist()))
    problem = f"in {labels.name}, but not in the source"
    for place in extra:
        # A name as outputs write it is a key already; of another, the key is made.
        key = names[place] if escape_cell(names[place]) == names[place] else escape_name(names[place])
        merged.append(replace(labelled(ImageRef(key, labels.parent), texts[place]), problem=problem))
    return merged


def labelled(image: ImageRef, text: str) -> ImageRef:
    """Give an image a label that is stated as text; one that is no finite number is a problem of the image."""
    value = finite_number(text)
    problem = f"label {text!r} is no finite number" if math.isnan(value) else ""
    return replace(image, pseudo_quality=value, problem=image.problem or problem)
