"""Components of degradations: of our own, by logistic regression on cheap measurements.

`FlatOcclusionPrevention` knows patches of one colour only. ISO/IEC 29794-5 measures sharpness, artefacts of compression
and occlusion by trained models (`Sharpness`, `CompressionArtifacts`, `FaceOcclusionPrevention`); ours are none of them.
"""

import math
from collections.abc import Mapping

from froq_lightning.defects.scale import component
from froq_lightning.defects.weights import WEIGHTS

# Of the logarithm of the odds: it spreads components over the scale, and leaves 50 where the odds are even.
WIDTH = 4.0


def degradations(
    measurements: Mapping[str, float], weights: Mapping[str, Mapping[str, float]] = WEIGHTS
) -> dict[str, int]:
    """Return the components of degradations: 100 is none, and below 50 it is more likely than not.

    Args:
        measurements: of a crop, by name.
        weights: of these, for each component.
    """
    odds = {name: _odds(each, measurements) for name, each in weights.items()}
    return {name: component(100 / (1 + math.exp(each / WIDTH))) for name, each in odds.items()}


def _odds(weights: Mapping[str, float], measurements: Mapping[str, float]) -> float:
    """Return the logarithm of the odds that an image is so degraded, within what `exp` takes."""
    odds = sum(weight * measurements.get(name, 1.0) for name, weight in weights.items())
    return min(2000.0, max(-2000.0, odds))
