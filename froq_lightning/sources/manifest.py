"""Manifests: tables with a column of paths, perhaps of labels and subjects; and lists of paths."""

from dataclasses import replace
from pathlib import Path

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
        table = read_table(manifest)
        folder = manifest.parent if root is None else root
        place, header = table.column(*PATH_COLUMNS), table.header
        is_list = len(header) == 1 and Path(header[0]).suffix.lower() in SUFFIXES  # without a header
        if header and place is None and not is_list:
            raise DataError(
                f"Expected {manifest.name} to have one of the columns {', '.join(PATH_COLUMNS)}, or trials in columns "
                "image_a, image_b and mated, or in lines 'a.jpg b.jpg 1' or, as LFW has them, 'NAME 1 2', but got "
                f"{', '.join(header)}"
            )
        label, subject = table.column(LABEL) if request.with_labels else None, table.column(SUBJECT)
        images: dict[str, ImageRef] = {}
        for number, row in table.rows(headed=not is_list):
            image = ImageRef.in_folder(folder, table.path(number, row[place or 0]), confined=root is not None)
            if image.key in images:
                raise DataError(f"{table.where(number)}: {image.key!r} stands there twice")
            image = replace(image, subject="" if subject is None else row[subject])
            images[image.key] = image if label is None else labelled(image, row[label])
        if not images:
            raise DataError(f"{str(manifest)!r} holds no images")
        if root is not None and not any(is_below(folder, image.path) for image in images.values()):
            raise DataError(f"every path in {manifest.name} lies outside of the root {str(folder)!r}")
        return Faces(list(images.values()))
