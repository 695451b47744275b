"""Parquet files with a column of encoded images: plain bytes, or `{bytes, path}` as Hugging Face has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from froq_lightning.data.image_refs import ImageRef, LazyRefs
from froq_lightning.data.images import START
from froq_lightning.data.parquet_archive import ParquetArchive, cells_of, open_parquet
from froq_lightning.data.shards import Shard, stamp_of_shards
from froq_lightning.data.tables import PATH_COLUMNS
from froq_lightning.errors import DataError, FroqError
from froq_lightning.names import escape_name, exists
from froq_lightning.sources.shards import SUBJECTS, list_shards, name_shards, shard_folder
from froq_lightning.sources.source import Faces, Request, Source
from froq_lightning.stored_files import address_of, file_name, plain

SUFFIX = ".parquet"
ROWS_LOOKED_AT = 16
MOST_ROWS_PER_BYTE = 1000  # many missing or equal cells take little room
USUAL, BYTES = "image", "bytes"


class ParquetImages(Source):
    """Parquet files with images in them: one, a pattern, some joined by `::`, or a folder; a row is an image.

    The images are in the only column that holds some, or in `image`. A column of `SUBJECTS` names the subjects.
    """

    name = "Parquet with a column of images"
    reads_addresses = True

    def fits(self, path: Path) -> bool:
        """Tell the files by their schema and first rows; one that names images by their paths is a manifest."""
        if not plain(address_of(path)).lower().endswith(SUFFIX) and not shard_folder(path, SUFFIX):
            return False
        try:
            with open_parquet(list_shards(path, SUFFIX)[0]) as file:
                return bool(_image_columns(file)) and not _names_files(file, path.parent)
        except FroqError:
            return False  # reading it as anything else says why

    def faces(self, request: Request) -> Faces:
        """List the rows; their subjects, if they are wanted, take a pass over a column."""
        archive = look_up(name_shards(list_shards(request.path, SUFFIX)))
        if not archive.ends[-1]:
            raise DataError(f"{request.path.name} holds no images")
        return Faces(Rows(archive, _subjects(archive.shards) if request.with_subjects else None))


@dataclass(frozen=True, eq=False)
class Rows(LazyRefs):
    """The rows of Parquet files; a key is the name of the file and the number of the row in it.

    Args:
        archive: that holds them.
        subjects: `[N]`, equal for images of one subject, -1 where it is not known; None if subjects are not wanted.
    """

    archive: ParquetArchive
    subjects: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return self.archive.ends[-1]

    def make(self, index: int) -> ImageRef:
        """Make the reference at a position."""
        shard, row = self.archive.place(index)
        subject = "" if self.subjects is None else _subject(self.subjects[index])
        path = Path(self.archive.shards[shard].address)
        return ImageRef(self._key(shard, row), path, subject=subject, archive=self.archive, position=index)

    def keys_in_order(self) -> Iterator[str]:
        """Yield the names of the images."""
        for shard, end in enumerate(self.archive.ends):
            start = self.archive.ends[shard - 1] if shard else 0
            yield from (self._key(shard, row) for row in range(end - start))

    def subjects_in_order(self) -> Iterator[str]:
        """Yield who is shown."""
        return repeat("", len(self)) if self.subjects is None else map(_subject, self.subjects)

    def _key(self, shard: int, row: int) -> str:
        return escape_name(f"{self.archive.shards[shard].name}/{row:06}")


def look_up(shards: Sequence[Shard]) -> ParquetArchive:
    """Look the files up.

    Raises:
        DataError: if one is damaged, or has not the column of images that the first one has.
    """
    counts, column = list[int](), ""
    for shard in shards:
        name = file_name(shard.address)
        with open_parquet(shard.address) as file:
            column = column or _the_column(name, file)
            if not _has_bytes(file.schema, column):
                raise DataError(f"Expected {name} to have the column {column!r}, as the first file has")
            counts.append(file.metadata.num_rows)
        if not 0 <= counts[-1] <= MOST_ROWS_PER_BYTE * shard.stamp.size:
            raise DataError(f"{name} states {counts[-1]:,} rows in {shard.stamp.size:,} bytes")
    return ParquetArchive(shards, list(accumulate(counts)), column, stamp_of_shards(shards))


def _subjects(shards: Sequence[Shard]) -> npt.NDArray[np.int32]:
    """Read who is shown: `[N]`, equal for images of one subject, -1 where that is not known."""
    numbers: dict[Any, int] = {None: -1, "": -1}
    parts = [np.empty(0, dtype=np.int32)]
    for shard in shards:
        with open_parquet(shard.address) as file:
            paths = [file.schema.column(number).path for number in range(len(file.schema))]  # of nested ones, longer
            column = next((name for name in SUBJECTS if name in paths), None)
            if column is None:
                parts.append(np.full(file.metadata.num_rows, -1, dtype=np.int32))
                continue
            for cells in file.iter_batches(2**16, columns=[column], use_threads=False):
                found = (numbers.setdefault(cell, len(numbers) - 2) for cell in cells.column(0).to_pylist())
                parts.append(np.fromiter(found, dtype=np.int32, count=cells.num_rows))
    return np.concatenate(parts)


def _subject(number: int) -> str:
    return "" if number < 0 else str(number)


def _image_columns(file: Any) -> list[str]:
    """List the columns that hold images: those of bytes, perhaps in a structure, that begin as images do."""
    from pyarrow import types  # noqa: PLC0415 - an extra

    def is_bytes(kind: Any) -> bool:
        return types.is_binary(kind) or types.is_large_binary(kind)

    columns = list[str]()
    for field_ in file.schema_arrow:
        inner = field_.type.field(BYTES) if types.is_struct(field_.type) and BYTES in _names(field_.type) else None
        if is_bytes(field_.type) or (inner is not None and is_bytes(inner.type)):
            columns.append(field_.name if inner is None else f"{field_.name}.{BYTES}")
    return [column for column in columns if file.metadata.num_row_groups and _holds_images(file, column)]


def _holds_images(file: Any, column: str) -> bool:
    batch = next(file.iter_batches(ROWS_LOOKED_AT, row_groups=[0], columns=[column], use_threads=False), None)
    contents = [] if batch is None else cells_of(batch).to_pylist()
    return any(START.match(content) for content in contents if content)


def _the_column(name: str, file: Any) -> str:
    columns = _image_columns(file)
    usual = [column for column in columns if column.split(".")[0] == USUAL]
    if len(usual or columns) != 1:
        raise DataError(f"Expected {name} to hold images in one column, or in {USUAL!r}, but got {columns or 'none'}")
    return (usual or columns)[0]


def _has_bytes(schema: Any, column: str) -> bool:
    leaves = [schema.column(number) for number in range(len(schema))]
    return any(leaf.path == column and leaf.physical_type == "BYTE_ARRAY" for leaf in leaves)


def _names(struct: Any) -> list[str]:
    return [struct.field(number).name for number in range(struct.num_fields)]


def _names_files(file: Any, folder: Path) -> bool:
    """Tell whether the first row names a file that exists, as a manifest does, whatever else it holds."""
    column = next((name for name in PATH_COLUMNS if name in file.schema_arrow.names), None)
    if column is None or not file.schema_arrow.field(column).type.equals("string"):
        return False
    batch = next(file.iter_batches(1, columns=[column], use_threads=False), None)
    named = "" if batch is None else batch.column(0)[0].as_py()
    return bool(named) and exists(folder / named)
