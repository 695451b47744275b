"""Sentences about the labels of a calibration, for the console and the page."""

from collections import Counter
from collections.abc import Iterator

from froq_lightning.methods.auto_labels import ENOUGH_SUBJECTS
from froq_lightning.runs.calibration_run import Calibration


def label_note(calibration: Calibration) -> str:
    """Say what labels from comparing images are, and why these if that was left to the tool; empty for others."""
    images = calibration.observer.calibration_set
    labels = images.labels
    told = ""
    if labels["method"] == "mated":
        subjects, mates = labels["subjects"], labels["mates"]
        told = f"mated similarity, {images.images} images of {subjects} subjects with {mates:.1f} mates in the mean"
    if labels["method"] == "pseudo_mated":
        told = f"pseudo-mated similarity, {images.images} images and copies against altered versions of the images"
    return f"{told} (auto: {labels['why']})" if "why" in labels else told


def unlabelled(calibration: Calibration) -> Iterator[str]:
    """Yield how many images have no label, and why."""
    for reason, count in Counter(calibration.unlabelled.values()).items():
        yield f"{count} image{'s' * (count > 1)} without a label: {reason}"


def label_doubts(calibration: Calibration) -> Iterator[str]:
    """Yield what speaks against labels from other images of the same subject."""
    subjects = calibration.observer.calibration_set.labels.get("subjects", ENOUGH_SUBJECTS)
    if subjects < ENOUGH_SUBJECTS:
        yield (
            f"Only {subjects} subjects have mates; {ENOUGH_SUBJECTS} are as good as the labels pseudo_mated, which "
            "want none, and 100 or more are better."
        )
