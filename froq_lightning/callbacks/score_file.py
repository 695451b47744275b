"""The scores of a run as a file: CSV, tabs, Parquet, or JSON lines."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.tables import table_signature, write_csv
from froq_lightning.runs.prediction import Prediction, ScoredRow

COLUMNS = ScoredRow._fields[1:]
ROWS_AT_ONCE = 65_536
SUFFIXES = ("", ".csv", ".tsv", ".txt", ".parquet", ".jsonl")
JSON_LINES = signature(rb'\{"image": "[^\n]*", "quality_score": [^"]*, "quality": [^"]*, "status": "\w+", "reason": "')
# In the metadata at the end of the file, behind the length of the text.
PARQUET = signature(rb"PAR1.*froq_lightning\x18.scores")


def write_scores(path: Path, prediction: Prediction) -> None:
    """Write the rows; the suffix of the path says how."""
    write = {".parquet": _write_parquet, ".jsonl": _write_json_lines}.get(path.suffix.lower(), _write_csv)
    write(path, prediction.rows())


def scores_signature(path: Path) -> Signature:
    """Know a file of scores; the suffix of the path says by what."""
    return {".parquet": PARQUET, ".jsonl": JSON_LINES}.get(path.suffix.lower()) or table_signature(path, COLUMNS)


def _write_csv(path: Path, rows: Iterator[ScoredRow]) -> None:
    write_csv(path, COLUMNS, ((row.image, _nine_digits(row.quality_score), *row[3:]) for row in rows))


def _nine_digits(score: float | None) -> str:
    return "" if score is None else f"{score:.9g}"


def _write_json_lines(path: Path, rows: Iterator[ScoredRow]) -> None:
    with atomic_write(path, JSON_LINES) as place, place.open("w", encoding="ascii") as file:
        file.writelines(json.dumps(dict(zip(COLUMNS, row[1:], strict=True))) + "\n" for row in rows)


def _write_parquet(path: Path, rows: Iterator[ScoredRow]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    kinds = (pa.string(), pa.float64(), pa.int16(), pa.string(), pa.string())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)), metadata={"froq_lightning": "scores"})
    with atomic_write(path, PARQUET) as place, parquet.ParquetWriter(place, schema) as writer:
        while block := list(islice(rows, ROWS_AT_ONCE)):
            columns = list(zip(*block, strict=True))[1:]
            writer.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True)), schema=schema))
