"""Scores as JSON lines: an object for every image."""

import json
from pathlib import Path

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import Format, Results, cells, columns


def _write(path: Path, results: Results) -> None:
    with path.open("w", encoding="ascii") as file:
        header, names = columns(results), results.components()
        rows = (dict(zip(header, cells(row, names), strict=True)) for row in results.rows())
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


JSON_LINES = Format(
    suffixes=(".jsonl",),
    holds="scores",
    is_own=signature(rb'\{"image": "[^\n]*", "quality_score": [^"]*, "quality": [^"]*, "status": "\w+", "reason": "'),
    write=_write,
)
