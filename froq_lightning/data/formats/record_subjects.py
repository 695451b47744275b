"""RecordIO whose labels tell the subjects: of its images, and as a source of comparison trials."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.formats.recordio import RecordFile
from froq_lightning.data.record_table import RecordTable
from froq_lightning.data.records import FaceRecord
from froq_lightning.data.sampling import Sampling, sample_comparisons
from froq_lightning.data.subjects import numbered
from froq_lightning.errors import DataError


def read_record_subjects(path: Path, name: str, sampling: Sampling) -> ComparisonSet:
    """Compare the images of a .rec file with each other.

    Raises:
        DataError: if it is malformed, or holds no images of two subjects.
    """
    archive = RecordFile(path)
    records = archive.records()
    if records.positions is None or not len(records):
        raise DataError(f"{path.name} holds no images")
    subjects = archive.labels(records.positions).view(np.int32)
    return sample_comparisons(name, records, numbered(subjects), sampling)


def with_subjects(records: Sequence[FaceRecord]) -> Sequence[FaceRecord]:
    """Give the images of a .rec file their subjects, which takes a pass over it; others stay as they are."""
    if not isinstance(records, RecordTable) or not isinstance(records.archive, RecordFile) or records.positions is None:
        return records
    return replace(records, subjects=records.archive.labels(records.positions).view(np.int32))
