"""Scores as Parquet, with the types of their columns."""

from itertools import islice
from pathlib import Path

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import COLUMNS, Format, Results

ROWS_AT_ONCE = 65_536


def _write(path: Path, results: Results) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    types = (pa.string(), pa.float64(), pa.int16(), pa.string(), pa.string())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)), metadata={"froq_lightning": "scores"})
    rows = results.rows()
    with parquet.ParquetWriter(path, schema) as writer:
        while block := list(islice(rows, ROWS_AT_ONCE)):
            columns = list(zip(*block, strict=True))[1:]
            writer.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True)), schema=schema))


# The mark stands in the metadata at the end of the file, behind the length of the text.
PARQUET = Format(
    suffixes=(".parquet",),
    holds="scores",
    is_own=signature(rb"PAR1.*froq_lightning\x18.scores"),
    write=_write,
    requires="pyarrow",
    install="froq-lightning[parquet]",
)
