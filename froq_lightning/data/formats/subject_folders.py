"""Images whose subjects are known: a folder with one sub-folder per subject, or a manifest with a column subject_id."""

from dataclasses import replace
from pathlib import Path

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.listing import list_faces, list_source
from froq_lightning.data.sampling import Sampling, sample_comparisons
from froq_lightning.data.subjects import numbered
from froq_lightning.errors import DataError


def read_subject_folders(folder: Path, name: str, sampling: Sampling) -> ComparisonSet:
    """Compare the images below a folder; the first folder on the way to an image tells its subject.

    Raises:
        DataError: if an image lies in no sub-folder.
    """
    listing = list_source(folder)
    records = listing.records
    loose = next((record.key for record in records if not record.subject), None)
    if loose is not None:
        raise DataError(f"Expected {name} to hold one sub-folder per subject, but got {loose!r} beside them")
    subjects = numbered([record.subject for record in records])
    return replace(sample_comparisons(name, records, subjects, sampling), passed_over=listing.passed_over)


def read_subject_manifest(path: Path, root: Path | None, name: str, sampling: Sampling) -> ComparisonSet:
    """Compare the images of a manifest; its column subject_id tells their subjects.

    Raises:
        DataError: if a row names no subject.
    """
    records = list_faces(path, root, labelled=False)
    nobody = next((record.key for record in records if not record.subject), None)
    if nobody is not None:
        raise DataError(f"Expected {path.name} to state a subject_id for {nobody!r}, but got none")
    return sample_comparisons(name, records, numbered([record.subject for record in records]), sampling)
