"""Sentences and tables about a calibration, for the terminal and the page."""

from collections import Counter
from collections.abc import Iterator, Sequence

from froq_lightning.calibration.observer_warnings import weights_warning
from froq_lightning.calibration.pareto_front import FrontPoint
from froq_lightning.calibration.selection import Selection
from froq_lightning.calibration.set_utility import FEW_IMAGES, Verdict, by_chance
from froq_lightning.methods.auto_labels import ENOUGH_SUBJECTS
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.terminal import Line, Part, Table

# The confidence interval of the cross-validated set utility allows for no more than this.
HEADLINES: dict[Verdict, str] = {
    "none": "No usable quality was found in the {candidates} layers of {name}",
    "uncertain": "It is uncertain whether {chosen} of {candidates} layers of {name} {observe} quality",
    "weak": "A weak finding: {chosen} of {candidates} layers of {name} {observe} quality",
    "good": "{chosen} of {candidates} layers of {name} {observe} quality",
}
AS_BUILT = "{name} was calibrated without weights: its Observer fits no other run"
UTILITY_CAVEATS: dict[Verdict, str] = {
    "none": "The scores do not rank the images as their labels do",
    "uncertain": "That the scores rank the images as their labels do may be chance",
    "weak": "The scores rank the images only weakly as their labels do",
}
HELP = (
    "What may help: more calibration images, a wider range of quality (data.degrade.copies), or other labels "
    "(data.labels, model.labeller)."
)
POINTS_SHOWN = 6
REASONS_SHOWN = 5


def summary(calibration: Calibration, layers: Sequence[str]) -> Iterator[Part]:
    """Describe a calibration for the terminal.

    Args:
        calibration: to describe.
        layers: names of the candidate layers, in the order of the columns.
    """
    observer, labels = calibration.observer, describe_labels(calibration)
    images, left_out = observer.calibration_set.images, observer.calibration_set.left_out
    rows = [
        [layer.name, f"{layer.utility:.4f}", f"{layer.mean:.4g}", f"{layer.std:.3g}", f"{layer.weight:.3g}"]
        for layer in observer.layers
    ]
    rho = "Spearman's rho between scores and pseudo-quality, on images it has not seen (cross-validated)"
    yield Line(f"\n{headline(calibration, observer.backbone.name)} (preset {observer.preset})", "title")
    yield f"{rho}: {calibration.selection.cross_validated}"
    on_chosen = f"on the very images that the layers were chosen on: {observer.set_utility:.4f} over {images} images"
    yield on_chosen + (f", {left_out} left out" if left_out else "")
    yield from ([f"labels: {labels}"] if labels else [])
    yield from unlabelled_counts(calibration)
    yield Table(["layer", "layer utility", "mean norm", "std", "weight"], rows)
    yield from _costs(calibration.selection, layers)
    yield from _excluded(calibration)
    yield from (Line(f"! {caveat}", "remark") for caveat in caveats(calibration))


def headline(calibration: Calibration, name: str) -> str:
    """State in a sentence what was found in a network of that name, claiming no more than the set utility allows."""
    observer = calibration.observer
    as_built = observer.backbone.weights.is_as_built
    text = AS_BUILT if as_built else HEADLINES[calibration.selection.verdict]
    chosen = len(observer.layers)
    observe = "observes" if chosen == 1 else "observe"
    return text.format(chosen=chosen, candidates=len(observer.candidates), name=name, observe=observe)


def caveats(calibration: Calibration) -> Iterator[str]:
    """Yield what speaks against the scores, and what may help, in sentences."""
    images, selection = calibration.observer.calibration_set, calibration.selection
    if warning := weights_warning(calibration.observer.backbone):
        yield f"{warning[0].upper()}{warning[1:]}."
    if selection.verdict in UTILITY_CAVEATS:
        caveat = UTILITY_CAVEATS[selection.verdict]
        yield f"{caveat}: Spearman's rho is {selection.cross_validated} on images it has not seen."
        yield HELP
    subjects = images.labels.get("subjects", ENOUGH_SUBJECTS)
    if subjects < ENOUGH_SUBJECTS:
        yield (
            f"Only {subjects} subjects have mates; {ENOUGH_SUBJECTS} are as good as the labels pseudo_mated, which "
            "want none, and 100 or more are better."
        )
    few = images.photographs
    if few < FEW_IMAGES:
        yield (
            f"Only {few} calibration images: by chance alone a layer utility can reach {by_chance(few):.2f}, and "
            f"the scale 0 to 100 has no more than {images.images} steps; {FEW_IMAGES} images or more are better."
        )


def describe_labels(calibration: Calibration) -> str:
    """Describe labels that come from comparing images, and why `auto` chose them; empty for other labels."""
    images = calibration.observer.calibration_set
    labels, text = images.labels, ""
    if labels["method"] == "mated":
        subjects, mates = labels["subjects"], labels["mates"]
        text = f"mated similarity, {images.images} images of {subjects} subjects with {mates:.1f} mates in the mean"
    if labels["method"] == "pseudo_mated":
        text = f"pseudo-mated similarity, {images.images} images and copies against altered versions of the images"
    return f"{text} (auto: {labels['why']})" if "why" in labels else text


def unlabelled_counts(calibration: Calibration) -> Iterator[str]:
    """Yield how many images have no label, for every reason."""
    for reason, count in Counter(calibration.unlabelled.values()).items():
        yield f"{count} image{'s' * (count > 1)} without a label: {reason}"


def _costs(selection: Selection, layers: Sequence[str]) -> Iterator[Part]:
    """Say what the layers cost, and what other sets would cost (`model.max_cost`, `model.tolerance`)."""
    if selection.cost is None:
        return
    yield f"cost: {selection.cost:.0%} of a forward pass, behind which `predict` ends its passes"
    if len(selection.front) > 1:
        rows = [
            [f"{point.cost:.1%}", f"{point.utility:.4f}", str(len(point.columns)), deepest(point, selection, layers)]
            for point in _spread(selection.front)
        ]
        yield "what less or more would buy, by model.max_cost or model.tolerance:"
        yield Table(["cost", "set utility", "layers", "deepest layer"], rows)


def deepest(point: FrontPoint, selection: Selection, layers: Sequence[str]) -> str:
    """Return the layer that the cost of a set is due to."""
    return max((layers[column] for column in point.columns), key=selection.costs.__getitem__)


def _spread(front: Sequence[FrontPoint]) -> list[FrontPoint]:
    """Choose a few points, the first and the last among them."""
    last = len(front) - 1
    shown = min(POINTS_SHOWN, len(front))
    return [front[round(place * last / (shown - 1))] for place in range(shown)]


def _excluded(calibration: Calibration) -> Iterator[str]:
    excluded = [layer for layer in calibration.observer.candidates if layer.reason]
    if excluded:
        named = "; ".join(f"{layer.name} {layer.reason}" for layer in excluded[:REASONS_SHOWN])
        others = len(excluded) - REASONS_SHOWN
        more = f"; and {others} more, see the observer" if others > 0 else ""
        yield f"{len(excluded)} candidate layers were left out: {named}{more}"
