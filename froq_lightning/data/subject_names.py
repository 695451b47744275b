"""Whom images show, by their names or by a table; and what else a table says of images, such as a group of people."""

from collections.abc import Sequence
from pathlib import Path

from froq_lightning.data.path_matching import NONE, match_paths
from froq_lightning.data.tables import PATH_COLUMNS, read_table
from froq_lightning.errors import DataError

SUBJECT = "subject_id"


def subject_of_path(key: str) -> str:
    """Return the first folder on the way to an image, as a folder of images names subjects; empty without one."""
    folder, slash, _ = key.removeprefix("./").partition("/")
    return folder if slash else ""


def read_names(path: Path, keys: Sequence[str], column: str = SUBJECT) -> list[str]:
    """Read the subject, or the group of people, of every image from a table.

    Args:
        path: a table with a column of paths, which may be longer or shorter than the keys, and one of names.
        keys: of the images.
        column: of the names.

    Returns:
        N names; empty for an image without a row.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it has no such columns, lists an image twice with different names, or none of the images.
    """
    table = read_table(path)
    image, place = table.column(*PATH_COLUMNS), table.column(column)
    if image is None or place is None:
        lacking = " or ".join(PATH_COLUMNS) if image is None else column
        raise DataError(
            f"Expected {path.name} to have a column {lacking}, but got {', '.join(table.header[:12]) or 'nothing'}"
        )
    stated: dict[str, str] = {}
    for number, row in table.rows():
        name, value = table.path(number, row[image]), row[place]
        if stated.setdefault(name, value) != value:
            raise DataError(f"{table.where(number)}: {name!r} stands there twice, with {stated[name]!r} and {value!r}")
    places, names = match_paths(list(stated), keys, path.name), list(stated.values())
    if len(keys) and (places == NONE).all():
        raise DataError(
            f"{path.name} names none of the images: it names {next(iter(stated), 'nothing')!r}, the data {keys[0]!r}"
        )
    return ["" if place == NONE else names[place] for place in places.tolist()]
