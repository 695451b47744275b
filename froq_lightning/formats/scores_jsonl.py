"""Scores as JSON lines: an object for every image."""

import json
from pathlib import Path

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import COLUMNS, Format, Results


def _write(path: Path, results: Results) -> None:
    with path.open("w", encoding="ascii") as file:
        file.writelines(json.dumps(dict(zip(COLUMNS, row[1:], strict=True))) + "\n" for row in results.rows())


JSON_LINES = Format(
    suffixes=(".jsonl",),
    holds="scores",
    is_own=signature(rb'\{"image": "[^\n]*", "quality_score": [^"]*, "quality": [^"]*, "status": "\w+", "reason": "'),
    write=_write,
)
