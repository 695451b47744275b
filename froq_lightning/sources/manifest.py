"""Manifests: tables with a column of paths, perhaps of labels and subjects; and lists of paths."""

from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from froq_lightning.data.image_list import ImageList
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.images import SUFFIXES
from froq_lightning.data.score_files import LABEL, labelled
from froq_lightning.data.tables import PATH_COLUMNS, read_table
from froq_lightning.data.tables import SUFFIXES as TABLES
from froq_lightning.errors import DataError
from froq_lightning.names import is_below
from froq_lightning.sources.source import Faces, Request, Source

SUBJECT = "subject_id"


class Manifest(Source):
    """A table with a column `path` or `image`, perhaps `pseudo_quality` and `subject_id`; or a list of paths.

    The images stand in its order. Paths are relative to `root`, which they must not lead out of; by default to the
    manifest's own folder, which they may lead out of.
    """

    name = f"manifest (path, perhaps pseudo_quality and {SUBJECT}), text or Parquet"
    takes_the_rest = True

    def fits(self, path: Path) -> bool:
        """Tell a table by its suffix."""
        return path.suffix.lower() in TABLES and path.is_file()

    def faces(self, request: Request) -> Faces:
        """Read the manifest."""
        manifest, root = request.path, request.root
        folder = _folder(request)
        images = ImageList.of(_each_once(request), folder, request.scratch)
        if not len(images):
            raise DataError(f"{str(manifest)!r} holds no images")
        if root is not None and not any(is_below(folder, image.path) for image in images):
            raise DataError(f"every path in {manifest.name} lies outside of the root {str(folder)!r}")
        return Faces(images)


def _folder(request: Request) -> Path:
    return request.path.parent if request.root is None else request.root


def _each_once(request: Request) -> Iterator[ImageRef]:
    """Read the images; if one stands there twice, that is an error before those of later rows, but comes last."""
    hashes = array("q")  # of a million names they take 8 MB, and the names 100
    try:
        for _, image in _rows(request):
            hashes.append(hash(image.key))
            yield image
    except DataError:
        _require_each_once(request, hashes)
        raise
    _require_each_once(request, hashes)


def _require_each_once(request: Request, hashes: "array[int]") -> None:
    """Read those names again whose hashes are equal."""
    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64))
    equal = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    names = set[str]()
    for where, image in _rows(request) if equal else ():
        if image.key in names:
            raise DataError(f"{where}: {image.key!r} stands there twice")
        if hash(image.key) in equal:
            names.add(image.key)


def _rows(request: Request) -> Iterator[tuple[str, ImageRef]]:
    """Read the images, and where each stands."""
    table, folder = read_table(request.path), _folder(request)
    place, header = table.column(*PATH_COLUMNS), table.header
    is_list = len(header) == 1 and Path(header[0]).suffix.lower() in SUFFIXES  # without a header
    if header and place is None and not is_list:
        raise DataError(
            f"Expected {table.name} to have one of the columns {', '.join(PATH_COLUMNS)}, or trials in columns "
            "image_a, image_b and mated, or in lines 'a.jpg b.jpg 1' or, as LFW has them, 'NAME 1 2', but got "
            f"{', '.join(header)}"
        )
    label, subject = table.column(LABEL) if request.with_labels else None, table.column(SUBJECT)
    for number, row in table.rows(headed=not is_list):
        image = ImageRef.in_folder(folder, table.path(number, row[place or 0]), confined=request.root is not None)
        image = replace(image, subject="" if subject is None else row[subject])
        yield table.where(number), image if label is None else labelled(image, row[label])
