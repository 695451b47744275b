"""Which images a source holds: a folder, one image, a manifest, or an archive; and label files beside them."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from froq_lightning.data.formats.archives import list_archive
from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.path_matching import NONE, match_paths
from froq_lightning.data.records import FaceRecord
from froq_lightning.data.score_files import LABEL, SCORE_COLUMNS, finite_number, read_score_texts
from froq_lightning.data.tables import find_column, read_table
from froq_lightning.errors import DataError, DataNotFoundError

MANIFESTS = (".csv", ".parquet")
PATH_COLUMNS = ("path", "image")
SUBJECT = "subject_id"


def list_faces(source: str | Path, root: str | Path | None = None, *, labelled: bool = True) -> Sequence[FaceRecord]:
    """List the images of a source.

    Args:
        source: folder (searched to any depth; sorted by path), image file, manifest with a column `path` or `image`
            and perhaps `pseudo_quality` and `subject_id` (in the manifest's order), or archive (RecordIO, insightface
            .bin, AdaFace memfile).
        root: folder that a manifest's paths are relative to; by default the manifest's own.
        labelled: whether a manifest's `pseudo_quality` is read.

    Raises:
        DataNotFoundError: if the source does not exist.
        DataError: if it holds no images, or a manifest is malformed or names an image twice.
    """
    source = Path(source)
    records: Sequence[FaceRecord] | None = list_archive(source)
    if records is not None:
        return records
    if source.is_dir():
        records = [FaceRecord(path.relative_to(source).as_posix(), path) for path in _images_below(source)]
    elif not source.exists():
        raise DataNotFoundError(f"data source {str(source)!r} does not exist")
    elif source.suffix.lower() in MANIFESTS:
        records = _from_manifest(source, Path(root) if root else source.parent, labelled=labelled)
    elif source.suffix.lower() in SUFFIXES:
        records = [FaceRecord(source.name, source)]
    else:
        raise DataError(
            f"Expected a folder, an image, or a .csv or .parquet manifest, but got {source.name}; "
            "archives are .rec, .bin and mem_file.dat"
        )
    if not records:
        raise DataError(f"{str(source)!r} holds no images ({' '.join(sorted(SUFFIXES))})")
    return records


def with_labels(records: Iterable[FaceRecord], labels: str | Path) -> list[FaceRecord]:
    """Give records the pseudo-quality that a label file states for their keys.

    A record without a label gets a problem; a label without a record becomes a record with one.

    Args:
        records: the images.
        labels: CSV or Parquet with columns `path` (or `image`) and `pseudo_quality`, which name the images by their
            keys; or any file of scores, whose paths may be longer or shorter than the keys.

    Raises:
        DataNotFoundError: if the label file does not exist.
        DataError: if it has no such columns, names an image twice, or fits no record.
    """
    records, labels = list(records), Path(labels)
    stated = read_score_texts(labels, (LABEL, *SCORE_COLUMNS))
    names, texts = list(stated), list(stated.values())
    places = _places(labels, names, [record.key for record in records])
    if (places == NONE).all():
        raise DataError(f"none of the {len(stated)} paths in {labels.name} is an image of the source")
    merged = [
        replace(record, pseudo_quality=math.nan, problem=f"no label in {labels.name}")
        if place == NONE
        else _labelled(record, texts[place])
        for record, place in zip(records, places, strict=True)
    ]
    extra = sorted(set(range(len(names))) - set(places.tolist()))
    problem = f"in {labels.name}, but not in the source"
    return merged + [
        replace(_labelled(FaceRecord(names[place], labels.parent / names[place]), texts[place]), problem=problem)
        for place in extra
    ]


def _places(labels: Path, names: Sequence[str], keys: Sequence[str]) -> np.ndarray:
    """Find the label of every key: in files made for this source by the key itself, in others by any path to it."""
    if labels.suffix.lower() in MANIFESTS and find_column(read_table(labels)[0], (LABEL,)) is not None:
        place = {name: number for number, name in enumerate(names)}
        return np.array([place.get(key, NONE) for key in keys])
    return match_paths(names, keys, labels.name)


def _images_below(folder: Path) -> Iterator[Path]:
    found = (
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    )
    return iter(sorted(found, key=lambda path: path.relative_to(folder).as_posix()))


def _from_manifest(manifest: Path, root: Path, *, labelled: bool) -> list[FaceRecord]:
    header, rows = read_table(manifest)
    if not root.is_dir():
        raise DataNotFoundError(f"root {str(root)!r} of the manifest's paths does not exist")
    place = find_column(header, PATH_COLUMNS)
    if header and place is None:
        raise DataError(f"Expected {manifest.name} to have a column `path` or `image`, but got {', '.join(header)}")
    label, subject = find_column(header, (LABEL,)), find_column(header, (SUBJECT,))
    records: dict[str, FaceRecord] = {}
    for number, row in enumerate(rows, start=1):
        key = row[place or 0]
        if not key:
            raise DataError(f"{manifest.name}, row {number}: the path is empty")
        if key in records:
            raise DataError(f"{manifest.name}, row {number}: {key!r} stands there twice")
        record = FaceRecord(key, root / key, subject="" if subject is None else row[subject])
        records[key] = record if label is None or not labelled else _labelled(record, row[label])
    return list(records.values())


def _labelled(record: FaceRecord, text: str) -> FaceRecord:
    value = finite_number(text)
    problem = f"label {text!r} is no finite number" if math.isnan(value) else ""
    return replace(record, pseudo_quality=value, problem=problem)
