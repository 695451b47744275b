"""The embeddings of a run as a file: NumPy or Parquet."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from froq_lightning.publishing import published
from froq_lightning.runs.prediction import Embeddings, Prediction

ROWS_AT_ONCE = 4096


def write_embeddings(path: Path, prediction: Prediction) -> None:
    """Write a row for every image, in the order of the scores, as the network gives it, of whatever length.

    `.npy`: `[N, D]` float32, NaN for images that failed. `.parquet`: columns `image` and `embedding` (D float32, null
    for images that failed).
    """
    write = _write_parquet if path.suffix == ".parquet" else _write_numpy
    with published(path) as place:
        write(place, prediction, prediction.embeddings(ROWS_AT_ONCE))


def _write_numpy(path: Path, prediction: Prediction, blocks: Iterator[Embeddings]) -> None:
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(prediction), prediction.dimension())}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(block.tobytes())


def _write_parquet(path: Path, prediction: Prediction, blocks: Iterator[Embeddings]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    kind = pa.list_(pa.float32(), prediction.dimension())
    schema = pa.schema([("image", pa.string()), ("embedding", kind)])
    names = (row.image for row in prediction.rows())
    with parquet.ParquetWriter(path, schema) as writer:
        for block in blocks:
            failed = pa.array(np.isnan(block).all(axis=1))
            values = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), type=kind, mask=failed)
            images = pa.array(list(islice(names, len(block))), pa.string())
            writer.write_table(pa.table([images, values], schema=schema))
