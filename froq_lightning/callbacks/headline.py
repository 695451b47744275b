"""What a calibration found, in a sentence that claims no more than the set utility allows; and what may help."""

from collections.abc import Iterator

from froq_lightning.calibration.doubts import of_weights
from froq_lightning.calibration.selection import Selection
from froq_lightning.calibration.set_utility import FEW_IMAGES, Verdict, by_chance
from froq_lightning.callbacks.label_notes import label_doubts
from froq_lightning.runs.calibration_run import Calibration

HEADLINES: dict[Verdict, str] = {
    "none": "No usable quality was found in the {candidates} layers of {name}",
    "uncertain": "It is uncertain whether {chosen} of {candidates} layers of {name} {observe} quality",
    "weak": "A weak finding: {chosen} of {candidates} layers of {name} {observe} quality",
    "good": "{chosen} of {candidates} layers of {name} {observe} quality",
}
AS_BUILT = "{name} was calibrated without weights: its Observer fits no other run"
HELP = (
    "What may help: more calibration images, a wider range of quality (data.degrade.copies), or other labels "
    "(data.labels, model.labeller)."
)


def headline(calibration: Calibration, name: str) -> str:
    """State what was found in a network that goes by that name."""
    observer, selection = calibration.observer, calibration.selection
    text = AS_BUILT if observer.backbone.weights.is_as_built else HEADLINES[selection.verdict]
    chosen = len(observer.layers)
    observe = "observes" if chosen == 1 else "observe"
    return text.format(chosen=chosen, candidates=len(observer.candidates), name=name, observe=observe)


def doubts(calibration: Calibration) -> Iterator[str]:
    """Yield what speaks against the scores, in sentences, and what may help."""
    if warning := of_weights(calibration.observer.backbone):
        yield f"{warning[0].upper()}{warning[1:]}."
    yield from _of_utility(calibration.selection)
    yield from label_doubts(calibration)
    images = calibration.observer.calibration_set
    few = images.photographs
    if few < FEW_IMAGES:
        yield (
            f"Only {few} calibration images: by chance alone a layer utility can reach {by_chance(few):.2f}, and "
            f"the scale 0 to 100 has no more than {images.images} steps; {FEW_IMAGES} images or more are better."
        )


def _of_utility(selection: Selection) -> Iterator[str]:
    if selection.verdict == "good":
        return
    told = {
        "none": "The scores do not rank the images as their labels do",
        "uncertain": "That the scores rank the images as their labels do may be chance",
        "weak": "The scores rank the images only weakly as their labels do",
    }[selection.verdict]
    yield f"{told}: Spearman's rho is {selection.cross_validated} on images it has not seen."
    yield HELP
