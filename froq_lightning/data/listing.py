"""Which images a source holds: a folder, one image, a manifest, or an archive; and label files beside them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from froq_lightning.bounded_io import name_in_errors
from froq_lightning.data.folder_search import FolderSearch
from froq_lightning.data.formats.archives import list_archive
from froq_lightning.data.images import SUFFIXES, is_image
from froq_lightning.data.path_matching import NONE, match_paths
from froq_lightning.data.record_table import CopiedRecords
from froq_lightning.data.records import FaceRecord, stated_record
from froq_lightning.data.score_files import LABEL, SCORE_COLUMNS, read_score_texts
from froq_lightning.data.tables import PATH_COLUMNS, Table, finite_number, read_table
from froq_lightning.data.tables import SUFFIXES as TABLES
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.names import escape_cell, escape_name, is_below

SUBJECT = "subject_id"


@dataclass(frozen=True)
class Listing:
    """What a source holds.

    Args:
        records: the images.
        passed_over: what else lies in a folder, with counts and examples; empty if nothing does.
    """

    records: Sequence[FaceRecord]
    passed_over: str = ""


def list_faces(source: str | Path, root: str | Path | None = None, *, labelled: bool = True) -> Sequence[FaceRecord]:
    """List the images of a source; see `list_source`."""
    return list_source(source, root, labelled=labelled).records


def list_source(source: str | Path, root: str | Path | None = None, *, labelled: bool = True) -> Listing:
    """List the images of a source, and what is passed over.

    Args:
        source: folder (searched to any depth; sorted by path; its sub-folders tell the subjects), image file, manifest
            with a column `path` or `image` and perhaps `pseudo_quality` and `subject_id` (in the manifest's order),
            list of paths, or archive (RecordIO, insightface .bin, AdaFace memfile).
        root: folder that a manifest's paths are relative to, and must not lead out of; by default the manifest's own,
            which they may lead out of.
        labelled: whether a manifest's `pseudo_quality` is read.

    Raises:
        DataNotFoundError: if the source does not exist.
        DataError: if it holds no images, a folder in it cannot be listed, or a manifest is malformed, names an image
            twice, or leads out of the root with every row.
    """
    source = Path(source)
    with name_in_errors(source.name):
        records: Sequence[FaceRecord] | None = list_archive(source)
    if records is not None:
        return Listing(records)
    passed_over = ""
    if source.is_dir():
        search = FolderSearch(source)
        records = [_found(path, path.relative_to(source)) for path in search.images]
        passed_over = search.passed_over
    elif not source.exists():
        raise DataNotFoundError(f"data source {str(source)!r} does not exist")
    elif source.suffix.lower() in TABLES:
        records = _from_manifest(source, root, labelled=labelled)
    elif source.suffix.lower() in SUFFIXES or is_image(source):
        records = [FaceRecord(escape_name(source.name), source)]
    else:
        raise DataError(
            f"Expected a folder, an image, or a manifest ({' '.join(TABLES)}), but got {source.name}; "
            "archives are .rec, .bin and mem_file.dat"
        )
    if not records:
        found = f", but {passed_over}" if passed_over else ""
        raise DataError(f"{str(source)!r} holds no images{found}; images end in {' '.join(sorted(SUFFIXES))}")
    return Listing(records, passed_over)


def with_copies(records: Sequence[FaceRecord], copies: int) -> Sequence[FaceRecord]:
    """Put so many degraded copies of every image behind it.

    Raises:
        DataError: if another image has the name of a copy, or the images have labels, which are not those of copies.
    """
    if records[0].pseudo_quality is not None:
        raise DataError(
            "Expected images without labels for copies of them (data.degrade.copies), since a manifest's labels are "
            "those of the images alone; give labels of both as data.labels"
        )
    copied = CopiedRecords(records, copies)
    if isinstance(records, list):  # the numbers of an archive's images are no names of copies
        keys = {record.key for record in records}
        if any(copied.key(key, number) in keys for key in keys for number in range(1, copies + 1)):
            raise DataError("Expected no image to be named as the copy of another, such as 'a.jpg (copy 1)'; rename it")
    return copied


def with_labels(records: Iterable[FaceRecord], labels: str | Path) -> list[FaceRecord]:
    """Give records the pseudo-quality that a label file states for their keys.

    A record without a label gets a problem; a label without a record becomes a record with one.

    Args:
        records: the images.
        labels: a table with columns `path` and `pseudo_quality`, or any file of scores; its paths may be longer or
            shorter than the keys.

    Raises:
        DataNotFoundError: if the label file does not exist.
        DataError: if it has no such columns, names an image twice with different values, or fits no record.
    """
    records, labels = list(records), Path(labels)
    stated = read_score_texts(labels, (LABEL, *SCORE_COLUMNS))
    names, texts = list(stated), list(stated.values())
    places = match_paths(names, [record.key for record in records], labels.name)
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
        replace(_labelled(FaceRecord(_key(names[place]), labels.parent), texts[place]), problem=problem)
        for place in extra
    ]


def _found(path: Path, name: Path) -> FaceRecord:
    """Make the record of an image by its name below a folder; the first folder on the way to it tells its subject."""
    return FaceRecord(escape_name(name.as_posix()), path, subject=name.parts[0] if len(name.parts) > 1 else "")


def _key(stated: str) -> str:
    """Return a path in a file as the key that it states, or as the key of the name that it states."""
    return stated if escape_cell(stated) == stated else escape_name(stated)


def _from_manifest(manifest: Path, root: str | Path | None, *, labelled: bool) -> list[FaceRecord]:
    table = read_table(manifest)
    folder = Path(root) if root else manifest.parent
    if not folder.is_dir():
        raise DataNotFoundError(f"root {str(folder)!r} of the manifest's paths does not exist")
    place, is_list = table.column(*PATH_COLUMNS), is_image_list(table)
    if table.header and place is None and not is_list:
        listed = ", ".join(PATH_COLUMNS)
        raise DataError(
            f"Expected {manifest.name} to have one of the columns {listed}, but got {', '.join(table.header)}"
        )
    label, subject = table.column(LABEL) if labelled else None, table.column(SUBJECT)
    records: dict[str, FaceRecord] = {}
    for number, row in table.rows(headed=not is_list):
        record = stated_record(folder, table.path(number, row[place or 0]), confined=root is not None)
        if record.key in records:
            raise DataError(f"{table.where(number)}: {record.key!r} stands there twice")
        record = replace(record, subject="" if subject is None else row[subject])
        records[record.key] = record if label is None else _labelled(record, row[label])
    if root is not None and records and not any(is_below(folder, record.path) for record in records.values()):
        raise DataError(f"every path in {manifest.name} lies outside of the root {str(folder)!r}")
    return list(records.values())


def is_manifest(table: Table) -> bool:
    """Tell whether a table has a column of paths, or is a list of images."""
    return table.column(*PATH_COLUMNS) is not None or is_image_list(table)


def is_image_list(table: Table) -> bool:
    """Tell whether a table is a list of images, one in a line, without a header."""
    return len(table.header) == 1 and Path(table.header[0]).suffix.lower() in SUFFIXES


def _labelled(record: FaceRecord, text: str) -> FaceRecord:
    value = finite_number(text)
    problem = f"label {text!r} is no finite number" if math.isnan(value) else ""
    return replace(record, pseudo_quality=value, problem=record.problem or problem)
