"""Parquet: scores with the types of their columns; embeddings in the columns `image` and `embedding`."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import Content, Format, Results, cells, columns

SCORES_AT_ONCE, EMBEDDINGS_AT_ONCE = 65_536, 4096


def _write_scores(path: Path, results: Results) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    header, names = columns(results), results.components()
    types = [pa.string(), pa.float64(), pa.int16(), pa.string(), pa.string()]
    types += [pa.string(), *[pa.int16()] * len(names)] if names else []
    schema = pa.schema(list(zip(header, types, strict=True)), metadata={"froq_lightning": "scores"})
    rows = (cells(row, names) for row in results.rows())
    with parquet.ParquetWriter(path, schema) as writer:
        while block := list(islice(rows, SCORES_AT_ONCE)):
            table = dict(zip(header, zip(*block, strict=True), strict=True))
            writer.write_table(pa.table(table, schema=schema))


def _write_embeddings(path: Path, results: Results) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    # D float32, null for images that failed. Older versions of pyarrow write no nulls of lists of one fixed length.
    columns = [("image", pa.string()), ("embedding", pa.list_(pa.float32()))]
    schema = pa.schema(columns, metadata={"froq_lightning": "embeddings"})
    names = (row.image for row in results.rows())
    with parquet.ParquetWriter(path, schema) as writer:
        for block in results.embeddings(EMBEDDINGS_AT_ONCE):
            failed = np.isnan(block).all(axis=1)
            ends = np.cumsum(np.where(failed, 0, block.shape[1]), dtype=np.int32)
            offsets, numbers = pa.array(np.insert(ends, 0, 0)), pa.array(block[~failed].ravel())
            embeddings = pa.ListArray.from_arrays(offsets, numbers, mask=pa.array(failed))
            images = pa.array(list(islice(names, len(block))), pa.string())
            writer.write_table(pa.table([images, embeddings], schema=schema))


def _parquet(holds: Content, write: Callable[[Path, Results], None]) -> Format:
    # The mark stands in the metadata at the end of the file, behind the length of the text.
    is_own = signature(rb"PAR1.*froq_lightning\x18." + holds.encode("ascii"))
    return Format((".parquet",), holds, is_own, write, requires="pyarrow", install="froq-lightning[parquet]")


SCORES = _parquet("scores", _write_scores)
EMBEDDINGS = _parquet("embeddings", _write_embeddings)
