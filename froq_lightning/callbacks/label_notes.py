"""What is told of the labels of a calibration."""

from collections import Counter
from collections.abc import Iterator

from froq_lightning.runs.calibration_run import Calibration

# On four networks the labels of so many subjects gave half of what those of 200 did.
FEW_SUBJECTS = 25


def label_notes(calibration: Calibration) -> Iterator[str]:
    """Yield how labels from other images of the same subject came about, and how many images have none, and why."""
    images = calibration.observer.calibration_set
    if "subjects" in images.labels:
        subjects, mates = images.labels["subjects"], images.labels["mates"]
        yield f"mated similarity, {images.images} images of {subjects} subjects with {mates:.1f} mates in the mean"
    for reason, count in Counter(calibration.unlabelled.values()).items():
        yield f"{count} images without a label: {reason}"


def label_doubts(calibration: Calibration) -> Iterator[str]:
    """Yield what speaks against such labels."""
    subjects = calibration.observer.calibration_set.labels.get("subjects", FEW_SUBJECTS)
    if subjects < FEW_SUBJECTS:
        yield (
            f"Only {subjects} subjects with a mate: labels of {FEW_SUBJECTS} subjects gain about half of what those of "
            "200 gain over other labels."
        )
