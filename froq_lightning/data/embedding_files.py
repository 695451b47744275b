"""Embeddings that `froq predict --embeddings` wrote."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from froq_lightning.bounded_io import read_array, require_file
from froq_lightning.errors import ConfigurationError, DataError

Vectors = npt.NDArray[np.float32]
EMBEDDING = "embedding"


def read_embeddings(path: Path) -> Vectors:
    """Read `[N, D]` float32 embeddings, NaN for images that failed: a .npy file, mapped into memory, or Parquet.

    Raises:
        DataNotFoundError: if the file does not exist.
        DataError: if it holds something else.
        ConfigurationError: if it is a Parquet file and pyarrow is not installed.
    """
    try:
        array = _read_parquet(path) if path.suffix.lower() == ".parquet" else read_array(path)
    except DataError as error:
        raise DataError(f"Expected embeddings in {str(path)!r}, but {error}") from error
    if array.ndim != 2 or array.dtype.kind != "f":
        raise DataError(f"Expected embeddings, [N, D] float32, in {str(path)!r}, but got {array.dtype} {array.shape}")
    return array.astype(np.float32, copy=False)


def _read_parquet(path: Path) -> Vectors:
    require_file(path, path.name)
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("Parquet embeddings need pyarrow: pip install 'froq-lightning[parquet]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            if EMBEDDING not in file.schema_arrow.names:
                raise DataError(f"its columns are {', '.join(file.schema_arrow.names[:12])}")  # noqa: TRY301
            column = file.read(columns=[EMBEDDING])[EMBEDDING]
        numbers = column.combine_chunks().flatten().to_numpy()
        valid = column.is_valid().to_numpy()
        array = np.full((len(column), len(numbers) // max(int(valid.sum()), 1)), np.nan, np.float32)
        array[valid] = numbers.reshape(int(valid.sum()), -1)
    except DataError:
        raise
    except (ArrowException, OSError, ValueError, AttributeError) as error:  # a damaged file, or no lists of numbers
        raise DataError(f"it is no such Parquet file: {error}") from error
    return array
