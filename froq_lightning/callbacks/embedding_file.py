"""The embeddings of a run as a file: NumPy or Parquet."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.runs.prediction import Embeddings, Prediction

ROWS_AT_ONCE = 4096
SUFFIXES = (".npy", ".parquet")
# A header of .npy is padded with spaces; NumPy's own for two axes end at byte 128, ours at 256, by which it is known.
HEADER = 256
NUMPY = signature(rb"\x93NUMPY\x01\x00" + re.escape((HEADER - 10).to_bytes(2, "little")) + rb"\{'descr': '<f4', ")
PARQUET = signature(rb"PAR1.*froq_lightning\x18.embeddings")


def write_embeddings(path: Path, prediction: Prediction) -> None:
    """Write a row for every image, in the order of the scores, as the network gives it, of whatever length.

    `.npy`: `[N, D]` float32, NaN for images that failed. `.parquet`: columns `image` and `embedding` (D float32, null
    for images that failed).
    """
    write = _write_parquet if path.suffix.lower() == ".parquet" else _write_numpy
    with atomic_write(path, embeddings_signature(path)) as place:
        write(place, prediction, prediction.embeddings(ROWS_AT_ONCE))


def embeddings_signature(path: Path) -> Signature:
    """Know a file of embeddings; the suffix of the path says by what."""
    return PARQUET if path.suffix.lower() == ".parquet" else NUMPY


def _write_numpy(path: Path, prediction: Prediction, blocks: Iterator[Embeddings]) -> None:
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(prediction), prediction.dimension())}
        file.write(np.lib.format.magic(1, 0) + (HEADER - 10).to_bytes(2, "little"))
        file.write(f"{header}".ljust(HEADER - 11).encode("ascii") + b"\n")
        for block in blocks:
            file.write(block.tobytes())


def _write_parquet(path: Path, prediction: Prediction, blocks: Iterator[Embeddings]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    # Not lists of one fixed length: of these, older versions of pyarrow write no nulls.
    columns = [("image", pa.string()), ("embedding", pa.list_(pa.float32()))]
    schema = pa.schema(columns, metadata={"froq_lightning": "embeddings"})
    names = (row.image for row in prediction.rows())
    with parquet.ParquetWriter(path, schema) as writer:
        for block in blocks:
            failed = np.isnan(block).all(axis=1)
            ends = np.cumsum(np.where(failed, 0, block.shape[1]), dtype=np.int32)
            offsets, found = pa.array(np.insert(ends, 0, 0)), pa.array(block[~failed].ravel())
            values = pa.ListArray.from_arrays(offsets, found, mask=pa.array(failed))
            images = pa.array(list(islice(names, len(block))), pa.string())
            writer.write_table(pa.table([images, values], schema=schema))
