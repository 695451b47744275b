"""Tables of comparison trials with their comparison scores, and perhaps the qualities of their images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from froq_lightning.data.comparison_set import numbered, subjects_of
from froq_lightning.data.tables import Table, finite_number, read_table
from froq_lightning.errors import DataError, UnknownNameError
from froq_lightning.evaluation.comparisons import Floats, Trials
from froq_lightning.sources.pairs import FIRST, SAME, SECOND, require_mated

SCORES = ("comparison_score", "score", "similarity", "cosine")
DATA_SET, SUBJECTS = "data_set", ("subject_a", "subject_b")
SIDES = ("_a", "_b")


@dataclass(frozen=True)
class ScoredTrials:
    """Comparison trials with scores, of one data set.

    Args:
        name: of the data set.
        keys: names of the U images, each once.
        trials: with comparison scores; NaN where a cell is no finite number.
        qualities: `[U]` of the images by name, higher is better; NaN where a cell is no finite number.
        note: how many trials contradict themselves or the subjects; empty if none does.
    """

    name: str
    keys: Sequence[str]
    trials: Trials
    qualities: Mapping[str, Floats]
    note: str = ""


def read_scored_trials(path: Path, data_set: str | None = None) -> ScoredTrials:
    """Read a table as `froq test --trials` writes it, or one of a recogniser in production.

    Columns: `image_a`, `image_b`, `mated`, `comparison_score` (higher is more alike); perhaps `subject_a` and
    `subject_b`, without which mated trials tell who is the same; `data_set`; and pairs `NAME_a`, `NAME_b` of qualities.

    Args:
        path: of the table.
        data_set: which one is read, where there are several.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if a column is missing, there are no trials, or an image has two qualities or two subjects.
        UnknownNameError: for a data set that it does not hold.
    """
    table = read_table(path)
    columns = [_column(table, names) for names in (FIRST, SECOND, SAME, SCORES)]
    images = _Images(table)
    first, second, mated, scores = [], [], [], []
    names: dict[str, None] = {}
    for number, row in _rows_of(table, data_set, names):
        sides = [images.add(number, row, table.path(number, row[columns[side]]), side) for side in range(2)]
        first.append(sides[0])
        second.append(sides[1])
        mated.append(require_mated(table, number, row[columns[2]]))
        scores.append(finite_number(row[columns[3]]))
    if not mated:
        raise DataError(f"{path.name} holds no comparison trials")
    flags, ends = np.array(mated), (np.array(first), np.array(second))
    count = len(images.keys)
    subjects = numbered(images.subjects) if images.has_subjects else subjects_of(count, *ends, flags)[0]
    trials = Trials(np.array(scores), flags, *ends, subjects)
    name = data_set or next(filter(None, names), path.stem)
    return ScoredTrials(name, images.keys, trials, images.qualities(), _contradictions(trials))


def _contradictions(trials: Trials) -> str:
    same = trials.subjects[trials.first] == trials.subjects[trials.second]
    counts = {
        "an image with itself": trials.first == trials.second,
        "two subjects as mated": trials.mated & ~same,
        "one subject as non-mated": ~trials.mated & same & (trials.first != trials.second),
    }
    stated = [f"{int(wrong.sum()):,} trials compare {what}" for what, wrong in counts.items() if wrong.any()]
    return "; ".join(stated)


def _column(table: Table, names: Sequence[str]) -> int:
    place = table.column(*names)
    if place is None:
        raise DataError(
            f"Expected {table.name} to have columns image_a, image_b, mated and {SCORES[0]}, as `froq test --trials` "
            f"writes them, but got no {names[0]} among {', '.join(table.header[:12])}"
        )
    return place


def _rows_of(table: Table, data_set: str | None, names: dict[str, None]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of one data set, and note the names of all."""
    place = table.column(DATA_SET)
    for number, row in table.rows():
        name = "" if place is None else row[place]
        names[name] = None
        if data_set is None and len(names) > 1:
            raise DataError(f"{table.where(number)}: there are several data sets, {' and '.join(names)}; choose one")
        if data_set is None or place is None or name == data_set:
            yield number, row
    if data_set is not None and place is not None and data_set not in names:
        raise UnknownNameError.among("data set", data_set, names)


class _Images:
    """The images of a table, each once, with what every row says of them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._places: dict[str, int] = {}
        self._subject_columns = [table.column(name) for name in SUBJECTS]
        names = [cell.removesuffix(SIDES[0]) for cell in table.header if cell.endswith(SIDES[0])]
        columns = {name: [table.column(name + side) for side in SIDES] for name in names}
        known = (*FIRST, *SECOND, *SUBJECTS)
        self._quality_columns = {
            name: places for name, places in columns.items() if None not in places and name + SIDES[0] not in known
        }
        self._values: dict[str, list[str]] = {name: [] for name in self._quality_columns}
        self.subjects: list[str] = []

    @property
    def keys(self) -> list[str]:
        """Names, in the order of their first appearance."""
        return list(self._places)

    @property
    def has_subjects(self) -> bool:
        """Whether the table names subjects."""
        return None not in self._subject_columns

    def add(self, number: int, row: list[str], key: str, side: int) -> int:
        """Note what a row says of the image on one side; return its position."""
        is_new = key not in self._places
        place = self._places.setdefault(key, len(self._places))
        for name, columns in self._quality_columns.items():
            self._note(self._values[name], number, key, row[columns[side] or 0], place, is_new=is_new)
        if self.has_subjects:
            self._note(self.subjects, number, key, row[self._subject_columns[side] or 0], place, is_new=is_new)
        return place

    def qualities(self) -> dict[str, Floats]:
        """Return the qualities by name."""
        return {name: np.array([finite_number(text) for text in texts]) for name, texts in self._values.items()}

    def _note(self, values: list[str], number: int, key: str, text: str, place: int, *, is_new: bool) -> None:
        if is_new:
            values.append(text)
        elif values[place] != text:
            raise DataError(
                f"{self._table.where(number)}: {key!r} has {text!r} here, and {values[place]!r} in another row"
            )
