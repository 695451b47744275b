"""Embeddings as a NumPy array: `[N, D]` float32, NaN for images that failed."""

import re
from pathlib import Path

import numpy as np

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import Format, Results

ROWS_AT_ONCE = 4096
# A header of .npy is padded with spaces. NumPy's own header of two axes ends at byte 128, ours at 256: by that the
# files of the tool are known.
HEADER = 256
LENGTH = (HEADER - 10).to_bytes(2, "little")


def _write(path: Path, results: Results) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(results), results.dimension())}
    with path.open("wb") as file:
        file.write(np.lib.format.magic(1, 0) + LENGTH)
        file.write(f"{header}".ljust(HEADER - 11).encode("ascii") + b"\n")
        for block in results.embeddings(ROWS_AT_ONCE):
            file.write(block.tobytes())


NPY = Format(
    suffixes=(".npy",),
    holds="embeddings",
    is_own=signature(rb"\x93NUMPY\x01\x00" + re.escape(LENGTH) + rb"\{'descr': '<f4', "),
    write=_write,
)
