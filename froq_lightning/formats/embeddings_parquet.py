"""Embeddings as Parquet: columns `image` and `embedding` (D float32, null for images that failed)."""

from itertools import islice
from pathlib import Path

import numpy as np

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import Format, Results

ROWS_AT_ONCE = 4096


def _write(path: Path, results: Results) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    # Not lists of one fixed length: of these, older versions of pyarrow write no nulls.
    columns = [("image", pa.string()), ("embedding", pa.list_(pa.float32()))]
    schema = pa.schema(columns, metadata={"froq_lightning": "embeddings"})
    names = (row.image for row in results.rows())
    with parquet.ParquetWriter(path, schema) as writer:
        for block in results.embeddings(ROWS_AT_ONCE):
            failed = np.isnan(block).all(axis=1)
            ends = np.cumsum(np.where(failed, 0, block.shape[1]), dtype=np.int32)
            offsets, numbers = pa.array(np.insert(ends, 0, 0)), pa.array(block[~failed].ravel())
            embeddings = pa.ListArray.from_arrays(offsets, numbers, mask=pa.array(failed))
            images = pa.array(list(islice(names, len(block))), pa.string())
            writer.write_table(pa.table([images, embeddings], schema=schema))


PARQUET = Format(
    suffixes=(".parquet",),
    holds="embeddings",
    is_own=signature(rb"PAR1.*froq_lightning\x18.embeddings"),
    write=_write,
    requires="pyarrow",
    install="froq-lightning[parquet]",
)
