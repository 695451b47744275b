"""What speaks against the scores of an Observer, in a sentence."""

from froq_lightning.calibration.observer import BackboneIdentity, Observer
from froq_lightning.calibration.set_utility import FEW_IMAGES

WORTH = {"none": "no usable quality", "uncertain": "perhaps chance", "weak": "weak"}


def of_weights(network: BackboneIdentity) -> str:
    """Warn of a network that was given no weights; empty for any other."""
    if not network.weights.is_as_built:
        return ""
    return (
        f"no weights were given to {network.title()}: it has those it was built with, random ones unless it brings its "
        "own. A random network knows nothing of faces, and its Observer fits no other run, since its weights are drawn "
        "anew in each; give a file as backbone_options.weights"
    )


def of_scores(observer: Observer) -> str:
    """Say why its scores may tell nothing of quality; empty if nothing is known against them."""
    found = observer.agreement
    if found.verdict == "good":
        return ""
    unseen = " on images it had not seen" if observer.cross_validated else ""
    told = f"in calibration, Spearman's rho between the observer's scores and the labels was {found}{unseen}"
    return f"{told}: {WORTH[found.verdict]}"


def of_scale(observer: Observer) -> str:
    """Tell of a scale that rests on few images; empty if it does not."""
    images = observer.calibration_set
    if images.photographs >= FEW_IMAGES:
        return ""
    return (
        f"the observer was calibrated on only {images.photographs} images: its scale has no more than {images.images} "
        "steps"
    )
