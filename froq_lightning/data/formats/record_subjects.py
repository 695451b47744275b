"""RecordIO as a source of comparison trials: the labels of its records tell the subjects."""

from pathlib import Path

import numpy as np

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.formats.recordio import RecordFile
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
    labels = archive.labels(records.positions)
    return sample_comparisons(name, records, numbered(labels.view(np.int32)), sampling)
