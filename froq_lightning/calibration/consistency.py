"""Whether the parts of an Observer agree with each other: what no check of single fields would notice."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from froq_lightning.calibration.selection import MINIMUM_IMAGES, LayerUtility

if TYPE_CHECKING:
    from froq_lightning.calibration.observer import Observer


def contradictions(observer: "Observer") -> Iterator[str]:
    """Yield what is impossible in an Observer, one sentence each; nothing for one that a calibration made."""
    if len(observer.quantiles) != 101 or list(observer.quantiles) != sorted(observer.quantiles):
        yield f"Expected 101 ascending quantiles, but got {len(observer.quantiles)}"
    if not observer.layers or any(layer.std <= 0 or layer.mean < 0 for layer in observer.layers):
        yield "Expected at least one layer, each with a positive std and a mean of 0 or more"
    if any(not 0 < abs(layer.weight) < math.inf for layer in observer.layers):
        yield "Expected layers with a weight that is finite and not 0"
    if observer.aggregation == "mean_norm" and any(layer.weight != 1 for layer in observer.layers):
        yield "Expected weights of 1, since `aggregation` 'mean_norm' has no others"
    if observer.calibration_set.images < MINIMUM_IMAGES or observer.calibration_set.left_out < 0:
        yield f"Expected {MINIMUM_IMAGES} calibration images or more, but got {observer.calibration_set.images}"
    yield from _of_candidates(observer.candidates)
    yield from _of_utilities(observer)
    yield from _of_layers(observer)


def _of_candidates(candidates: Sequence[LayerUtility]) -> Iterator[str]:
    names = Counter(candidate.name for candidate in candidates)
    for name in (name for name, count in names.items() if count > 1):
        yield f"candidate {name!r} stands there twice"
    for candidate in candidates:
        if candidate.utility is None and not candidate.reason:
            yield f"candidate {candidate.name!r} has no utility, and no reason for that"
        if candidate.utility is not None and not -1 <= candidate.utility <= 1:
            yield f"Expected utilities in -1..1, but got {candidate.utility} of {candidate.name!r}"
        if candidate.repeats and candidate.repeats not in names:
            yield f"candidate {candidate.name!r} repeats {candidate.repeats!r}, which is none"


def _of_utilities(observer: "Observer") -> Iterator[str]:
    utilities = [observer.set_utility, *(step.set_utility for step in observer.trajectory)]
    if any(not -1 <= utility <= 1 for utility in utilities):
        yield "Expected set utilities in -1..1, but got others"
    if found := observer.cross_validated:
        low, high = found.interval
        if not -1 <= low <= (low if found.rho is None else found.rho) <= high <= 1:
            yield f"Expected `cross_validated` to have rho within its interval, in -1..1, but got {found}"
        if found.images < 1 or (found.groups is not None and not 1 < found.groups <= found.images):
            yield f"Expected `cross_validated` to have 2 groups or more and as many images, but got {found}"


def _of_layers(observer: "Observer") -> Iterator[str]:
    utilities = {candidate.name: candidate.utility for candidate in observer.candidates}
    steps = [step.layer for step in observer.trajectory]
    layers = [layer.name for layer in observer.layers]
    for name, count in Counter(steps).items():
        if utilities.get(name) is None or count > 1:
            yield f"step {name!r} of the trajectory is no candidate with a utility, or stands there twice"
    if steps and layers != steps[: len(layers)]:
        yield f"layers {layers[:3]} are not the first of the trajectory, {steps[:3]}"
    elif steps and layers and observer.set_utility != observer.trajectory[len(layers) - 1].set_utility:
        yield f"set_utility {observer.set_utility} is not that of the trajectory at its layers"
    for name, count in Counter(layers).items():
        if utilities.get(name) is None or count > 1:
            yield f"layer {name!r} is no candidate with a utility, or stands there twice"
    for layer in observer.layers:
        if layer.utility != utilities.get(layer.name):
            yield f"layer {layer.name!r} has utility {layer.utility}, its candidate {utilities.get(layer.name)}"
