"""What is told of the labels of a calibration."""

from collections import Counter
from collections.abc import Iterator

from froq_lightning.runs.calibration_run import Calibration

# On four networks the labels of so many subjects gave half of what those of 200 did.
FEW_SUBJECTS = 25


def label_note(calibration: Calibration) -> str:
    """Say how labels from other images of the same subject came about; empty for other labels."""
    images = calibration.observer.calibration_set
    if "subjects" not in images.labels:
        return ""
    subjects, mates = images.labels["subjects"], images.labels["mates"]
    return f"mated similarity, {images.images} images of {subjects} subjects with {mates:.1f} mates in the mean"


def unlabelled(calibration: Calibration) -> Iterator[str]:
    """Yield how many images have no label, and why."""
    for reason, count in Counter(calibration.unlabelled.values()).items():
        yield f"{count} image{'s' * (count > 1)} without a label: {reason}"


def label_doubts(calibration: Calibration) -> Iterator[str]:
    """Yield what speaks against labels from other images of the same subject."""
    subjects = calibration.observer.calibration_set.labels.get("subjects", FEW_SUBJECTS)
    if subjects < FEW_SUBJECTS:
        yield f"Only {subjects} subjects have mates: {FEW_SUBJECTS} give about half of what 200 give."
