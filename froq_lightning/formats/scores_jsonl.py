"""Scores as JSON lines: an object for every image."""

import json
from collections.abc import Iterator
from pathlib import Path

from froq_lightning.atomic_write import signature
from froq_lightning.bounded_io import numbered_lines
from froq_lightning.errors import DataError
from froq_lightning.formats.format import COLUMNS, Format, Results, cells, columns
from froq_lightning.runs.quality_batch import ScoredRow


def _write(path: Path, results: Results) -> None:
    with path.open("w", encoding="ascii") as file:
        header, names = columns(results), results.components()
        rows = (dict(zip(header, cells(row, names), strict=True)) for row in results.rows())
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def _read(path: Path) -> Iterator[ScoredRow]:
    for index, (number, line) in enumerate(numbered_lines(path)):
        try:
            row = json.loads(line)
            image, score, quality, status, reason = (row[column] for column in COLUMNS)
            exact = None if score is None else float(score)
            yield ScoredRow(index, str(image), exact, int(quality), str(status), str(reason))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path.name}, line {number}: Expected a row that `froq predict` wrote, but got {line.strip()[:80]!r}"
            ) from error


JSON_LINES = Format(
    suffixes=(".jsonl",),
    holds="scores",
    is_own=signature(rb'\{"image": "[^\n]*", "quality_score": [^"]*, "quality": [^"]*, "status": "\w+", "reason": "'),
    write=_write,
    read=_read,
)
