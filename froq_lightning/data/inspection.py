"""What a source of images or comparison trials holds, found out without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.image_survey import ImageSurvey, survey_images
from froq_lightning.data.images import SUFFIXES, is_image
from froq_lightning.data.listing import Listing, list_source
from froq_lightning.data.pairs import FOLDER, FORMATS, MANIFEST, find_format, read_comparisons
from froq_lightning.data.records import FaceRecord
from froq_lightning.data.tables import SUFFIXES as TABLES
from froq_lightning.errors import DataError, DataNotFoundError

IMAGE = "image"


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Args:
        kind: the format.
        records: the images.
        comparisons: the comparison trials; None if there are none.
        obstacle: why there are none.
        survey: of a sample of the images.
        passed_over: what else lies in a folder; empty if nothing does.
    """

    kind: str
    records: Sequence[FaceRecord]
    comparisons: ComparisonSet | None
    obstacle: str
    survey: ImageSurvey
    passed_over: str = ""


def inspect_source(source: str, root: str | None = None, part: str | None = None) -> Inspection:
    """Find out what a source holds.

    Args:
        source: anything that `validate`, `predict` or `test` may be given.
        root: folder of the images, if it is not the usual one.
        part: which set of a source that holds several.

    Raises:
        DataNotFoundError: if it does not exist.
        DataError: if it is of no known format, which the text lists, or malformed.
    """
    path = Path(source)
    if root is not None and not Path(root).is_dir():
        raise DataNotFoundError(f"root {root!r} of the images does not exist")
    known = find_format(path)
    if known is None:
        kind = MANIFEST if path.suffix.lower() in TABLES else IMAGE
        return _of_images(kind, _listed(path, root), "it names no subjects and no trials")
    try:
        comparisons = read_comparisons(source, root, part=part)
    except (DataError, DataNotFoundError) as error:
        if not known.as_images:
            raise
        return _of_images(known.as_images, list_source(path, root), str(error))
    survey = survey_images(comparisons.records)
    return Inspection(known.name, comparisons.records, comparisons, "", survey, comparisons.passed_over)


def _of_images(kind: str, listing: Listing, obstacle: str) -> Inspection:
    return Inspection(kind, listing.records, None, obstacle, survey_images(listing.records), listing.passed_over)


def _listed(path: Path, root: str | None) -> Listing:
    if path.suffix.lower() in (*TABLES, *SUFFIXES) or is_image(path):
        return list_source(path, root)
    listed = "; ".join([*(known.name for known in FORMATS), FOLDER, MANIFEST, IMAGE])
    raise DataError(f"{path.name} is of no format that is known; there are: {listed}")
