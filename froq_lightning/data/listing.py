"""Which images a source holds: a folder, one image, or a manifest in CSV or Parquet; and label files beside them."""

import csv
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.records import FaceRecord
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError

MANIFESTS = (".csv", ".parquet")
PATH_COLUMNS = ("path", "image")
LABEL = "pseudo_quality"


def list_faces(source: str | Path, root: str | Path | None = None) -> list[FaceRecord]:
    """List the images of a source.

    Args:
        source: folder (searched to any depth; sorted by path), image file, or manifest with a column `path` or
            `image` and perhaps `pseudo_quality` (in the manifest's order).
        root: folder that a manifest's paths are relative to; by default the manifest's own.

    Raises:
        DataNotFoundError: if the source does not exist.
        DataError: if it holds no images, or a manifest is malformed or names an image twice.
    """
    source = Path(source)
    if source.is_dir():
        records = [FaceRecord(path.relative_to(source).as_posix(), path) for path in _images_below(source)]
    elif not source.exists():
        raise DataNotFoundError(f"data source {str(source)!r} does not exist")
    elif source.suffix.lower() in MANIFESTS:
        records = _from_manifest(source, Path(root) if root else source.parent)
    elif source.suffix.lower() in SUFFIXES:
        records = [FaceRecord(source.name, source)]
    else:
        raise DataError(f"Expected a folder, an image, or a .csv or .parquet manifest, but got {source.name}")
    if not records:
        raise DataError(f"{str(source)!r} holds no images ({' '.join(sorted(SUFFIXES))})")
    return records


def with_labels(records: Iterable[FaceRecord], labels: str | Path) -> list[FaceRecord]:
    """Give records the pseudo-quality that a label file states for their keys.

    A record without a label gets a problem; a label without a record becomes a record with one.

    Args:
        records: the images.
        labels: CSV or Parquet with columns `path` (or `image`) and `pseudo_quality`.

    Raises:
        DataNotFoundError: if the label file does not exist.
        DataError: if it has no such columns, names an image twice, or fits no record.
    """
    labels = Path(labels)
    stated = {record.key: record for record in _from_manifest(labels, labels.parent)}
    if any(record.pseudo_quality is None for record in stated.values()):
        raise DataError(f"{labels.name} has no column {LABEL}")
    merged, matched = [], set()
    for record in records:
        label = stated.get(record.key)
        matched.add(record.key)
        if label is None:
            merged.append(replace(record, pseudo_quality=math.nan, problem=f"no label in {labels.name}"))
        else:
            merged.append(replace(record, pseudo_quality=label.pseudo_quality, problem=label.problem))
    extra = [record for key, record in stated.items() if key not in matched]
    if len(extra) == len(stated):
        raise DataError(f"none of the {len(stated)} paths in {labels.name} is an image of the source")
    return merged + [replace(record, problem=f"in {labels.name}, but not in the source") for record in extra]


def _images_below(folder: Path) -> Iterator[Path]:
    found = (
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    )
    return iter(sorted(found, key=lambda path: path.relative_to(folder).as_posix()))


def _from_manifest(manifest: Path, root: Path) -> list[FaceRecord]:
    if not manifest.is_file():
        raise DataNotFoundError(f"file {str(manifest)!r} does not exist")
    if not root.is_dir():
        raise DataNotFoundError(f"root {str(root)!r} of the manifest's paths does not exist")
    records: dict[str, FaceRecord] = {}
    for number, row in enumerate(_rows(manifest), start=1):
        column = next((name for name in PATH_COLUMNS if name in row), None)
        if column is None:
            raise DataError(f"Expected {manifest.name} to have a column `path` or `image`, but got {', '.join(row)}")
        key = row[column]
        if not key:
            raise DataError(f"{manifest.name}, row {number}: the path is empty")
        if key in records:
            raise DataError(f"{manifest.name}, row {number}: {key!r} stands there twice")
        records[key] = _labelled(FaceRecord(key, root / key), row.get(LABEL))
    return list(records.values())


def _labelled(record: FaceRecord, stated: str | None) -> FaceRecord:
    if stated is None:
        return record
    try:
        value = float(stated)
    except ValueError:
        value = math.nan
    problem = "" if math.isfinite(value) else f"label {stated!r} is no finite number"
    return replace(record, pseudo_quality=value, problem=problem)


def _rows(manifest: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table as text; a missing cell is empty."""
    if manifest.suffix.lower() == ".parquet":
        yield from _parquet_rows(manifest)
        return
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                if None in row or None in row.values():
                    raise DataError(f"{manifest.name}: a row has not as many cells as the header: {list(row.values())}")
                yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{manifest.name} is no CSV in UTF-8: {error}") from error


def _parquet_rows(manifest: Path) -> Iterator[dict[str, str]]:
    try:
        from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("Parquet manifests need pyarrow: pip install 'froq-lightning[parquet]'") from error
    try:
        table = parquet.read_table(manifest)
    except ArrowInvalid as error:
        raise DataError(f"{manifest.name} is no Parquet file: {error}") from error
    for row in table.to_pylist():
        yield {name: "" if value is None else str(value) for name, value in row.items()}
