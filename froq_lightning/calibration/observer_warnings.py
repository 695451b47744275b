"""Reasons to doubt the scores of an Observer, in a sentence each."""

from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.precision import Precision
from froq_lightning.calibration.set_utility import FEW_IMAGES

WORTH = {"none": "no usable quality", "uncertain": "perhaps chance", "weak": "weak"}


def weights_warning(network: BackboneIdentity) -> str:
    """Warn of a network without weights of its own; empty for any other."""
    if not network.weights.is_as_built:
        return ""
    return (
        f"no weights were given to {network.title()}: it has those it was built with, random ones unless it brings its "
        "own. A random network knows nothing of faces, and its Observer fits no other run, since its weights are drawn "
        "anew in each; give a file as backbone_options.weights"
    )


def precision_warning(observer: Observer, precision: Precision) -> str:
    """Warn of scores in another precision than those that the scale 0..100 rests on; empty if it is the same."""
    if observer.precision == precision:
        return ""
    return (
        f"the observer was calibrated in {observer.precision}, and scores here in {precision}: raw scores and quality "
        f"0..100 differ by more than rounding from those of a run in {observer.precision}; to have both of one "
        f"precision, calibrate with trainer.precision {precision}"
    )


def doubts(observer: Observer) -> list[str]:
    """List the reasons to doubt the scores of an Observer."""
    return list(filter(None, [agreement_warning(observer), scale_warning(observer)]))


def agreement_warning(observer: Observer) -> str:
    """Warn of scores that may not rank images by quality; empty if calibration found them good."""
    agreement = observer.agreement
    if agreement.verdict == "good":
        return ""
    unseen = " on images it had not seen" if observer.cross_validated else ""
    measured = f"in calibration, Spearman's rho between the observer's scores and the labels was {agreement}{unseen}"
    return f"{measured}: {WORTH[agreement.verdict]}"


def scale_warning(observer: Observer) -> str:
    """Warn of a 0..100 scale that rests on few images; empty if it does not."""
    images = observer.calibration_set
    if images.photographs >= FEW_IMAGES:
        return ""
    return (
        f"the observer was calibrated on only {images.photographs} images: its scale has no more than {images.images} "
        "steps"
    )
