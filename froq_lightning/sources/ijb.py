"""IJB-B and IJB-C as insightface hands them on: loose crops with landmarks, templates of them, trials of templates."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from froq_lightning.bounded_io import MOST_DIGITS, numbered_lines, require_file
from froq_lightning.data.comparison_set import ComparisonSet, Indices, Templates, numbered, subjects_of
from froq_lightning.data.image_refs import RefTable
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.names import exists
from froq_lightning.sources.source import Request, Source

FACES, TRIALS, LANDMARKS = "_face_tid_mid.txt", "_template_pair_label.txt", "_name_5pts_score.txt"
CROPS = "loose_crop"
CHUNK = 1 << 24  # bytes of a list of trials that are read at a time


class Ijb(Source):
    """The folder of IJB-B or IJB-C: `meta` with the protocol's files and `loose_crop` with crops, or `meta` alone."""

    name = "IJB-B or IJB-C folder"

    def fits(self, path: Path) -> bool:
        """Tell whether a folder holds the protocol."""
        return _find_meta(path) is not None

    def trials(self, request: Request) -> ComparisonSet:
        """Read templates and the trials between them."""
        meta = _find_meta(request.path) or request.path
        names, numbers = _faces(_file(meta, FACES))
        root = meta.parent / CROPS if request.root is None else request.root
        if not any(exists(root / each) for each in names):
            raise DataNotFoundError(f"none of the crops of {request.name} exists below {str(root)!r}; set `root`")
        identities = np.unique(numbers[:, 0])
        first, second, mated = _trials(_file(meta, TRIALS), identities)
        subjects, note = subjects_of(len(identities), first, second, mated)
        return ComparisonSet(
            request.name,
            RefTable(names, root, landmarks=_landmarks(_file(meta, LANDMARKS), names), confined=True),
            first,
            second,
            mated,
            subjects,
            Templates(numbered(numbers[:, 0]), _media(numbers)),
            "; ".join(filter(None, ["the quality of a template is the mean of its images'", note])),
        )

    def usual_name(self, path: Path, part: str) -> str:
        """Take the name from the protocol's files, such as "ijbc"."""
        del part
        faces = next((_find_meta(path) or path).glob(f"*{FACES}"))
        return faces.name.removesuffix(FACES)


def _find_meta(path: Path) -> Path | None:
    """Find the folder of the protocol's files: the path itself, or `meta` in it."""
    return next((folder for folder in (path / "meta", path) if any(folder.glob(f"*{FACES}"))), None)


def _file(meta: Path, ending: str) -> Path:
    found = sorted(meta.glob(f"*{ending}"))
    if len(found) != 1:
        raise DataNotFoundError(f"Expected one file *{ending} in {meta.name}, but got {len(found)}")
    return found[0]


def _faces(file: Path) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Read lines of a crop's name, its template and its medium: N names and `[N, 2]`."""
    names, numbers = [], []
    for number, cells in _lines(file):
        if len(cells) != 3 or not all(cell.isdecimal() and len(cell) <= MOST_DIGITS for cell in cells[1:]):
            raise DataError(f"{file.name}, line {number}: Expected a name and two numbers, but got {' '.join(cells)!r}")
        names.append(cells[0])
        numbers.append((int(cells[1]), int(cells[2])))
    if len(set(names)) < len(names):
        raise DataError(f"Expected {file.name} to name every crop once, but got one twice")
    if not names:
        raise DataError(f"{file.name} names no crops")
    return names, np.array(numbers, dtype=np.int64)


def _media(numbers: npt.NDArray[np.int64]) -> Indices:
    """Number the media of every template, `[N]`: a medium that two templates share counts in each."""
    media = numbered(numbers[:, 1])
    return numbered(numbered(numbers[:, 0]).astype(np.int64) * (int(media.max()) + 1) + media)


def _trials(file: Path, identities: npt.NDArray[np.int64]) -> tuple[Indices, Indices, npt.NDArray[np.bool_]]:
    """Read lines of two templates and 1 or 0; templates become their places among the sorted identities."""
    sides: tuple[list[Indices], list[Indices]] = ([], [])
    labels: list[npt.NDArray[np.bool_]] = []
    for rows in _number_lines(file, 3):
        wrong = np.flatnonzero(rows[:, 2] > 1)
        if len(wrong):
            raise DataError(f"Expected {file.name} to end its lines in 0 or 1, but got {rows[wrong[0]].tolist()}")
        for side, column in zip(sides, rows.T, strict=False):
            places = np.searchsorted(identities, column)
            known = identities[np.minimum(places, len(identities) - 1)] == column
            if not known.all():
                raise DataError(f"{file.name} compares template {column[~known][0]}, which has no face")
            side.append(places.astype(np.int32))
        labels.append(rows[:, 2].astype(np.bool_))
    if not labels:
        raise DataError(f"{file.name} holds no comparison trials")
    return np.concatenate(sides[0]), np.concatenate(sides[1]), np.concatenate(labels)


def _landmarks(file: Path, names: list[str]) -> npt.NDArray[np.float32]:
    """Read lines of a crop's name, x and y of five points, and a detector's score: `[N, 5, 2]`."""
    places = {name: place for place, name in enumerate(names)}
    landmarks = np.full((len(names), 10), np.nan, dtype=np.float32)
    for number, cells in _lines(file):
        try:
            points = [float(cell) for cell in cells[1:11]]
        except ValueError:
            points = []
        if len(points) != 10:
            raise DataError(f"{file.name}, line {number}: Expected a name and five points, but got {' '.join(cells)!r}")
        if cells[0] in places:
            landmarks[places[cells[0]]] = points
    return landmarks.reshape(-1, 5, 2)


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in numbered_lines(file):
        if cells := line.split():
            yield number, cells


def _number_lines(path: Path, columns: int) -> Iterator[npt.NDArray[np.int64]]:
    """Read lines of whole numbers, separated by spaces or tabs, in chunks of 16 MB: `[lines, columns]` each."""
    before = 0
    require_file(path, path.name)
    with path.open("rb") as file:
        while lines := file.readlines(CHUNK):
            yield _numbers(path, lines, columns, before)
            before += len(lines)


def _numbers(path: Path, lines: list[bytes], columns: int, before: int) -> npt.NDArray[np.int64]:
    """Parse lines at once; where their numbers do not fit their count, one by one, to find the one that is wrong."""
    text = b"".join(lines)
    foreign = text.translate(None, b"0123456789 \t\r\n")
    values = np.fromstring(b"" if foreign else text, dtype=np.int64, sep=" ")
    if not foreign and len(values) == columns * len(lines):
        return values.reshape(-1, columns)
    rows = []
    for number, line in enumerate(lines, start=before + 1):
        cells = line.split()
        if cells and (len(cells) != columns or any(not cell.isdigit() or len(cell) > MOST_DIGITS for cell in cells)):
            shown = line[:60].decode("latin-1").strip()
            raise DataError(f"{path.name}, line {number:,}: Expected {columns} whole numbers, but got {shown!r}")
        rows += [list(map(int, cells))] if cells else []
    return np.array(rows, dtype=np.int64).reshape(-1, columns)
