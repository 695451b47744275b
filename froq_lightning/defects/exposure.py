"""Components of light, as ISO/IEC 29794-5 defines them (7.3.3 to 7.3.7), and as OFIQ computes them.

The standard measures within the outline of the landmarks; here that is the middle of the aligned crop, which lies
within the face whatever the template.
"""

import numpy as np
import numpy.typing as npt

from froq_lightning.defects.scale import component, sigmoid

Floats = npt.NDArray[np.float32]

# Share of the width and of the height that is measured, in the middle.
FACE = 0.64
# Grey levels, of 0..255.
LOW, HIGH = 25, 247


def luminance(rgb: Floats) -> Floats:
    """Return the `[h, w]` luminance of `[h, w, 3]` RGB, on the same scale: ITU-R BT.709 on the values as stored."""
    return rgb @ np.array([0.2126, 0.7152, 0.0722], dtype=rgb.dtype)


def exposure(levels: Floats) -> dict[str, int]:
    """Return the components of light of an aligned crop.

    Args:
        levels: `[h, w]` luminance, 0..255.
    """
    face = np.rint(middle(levels))
    mean, variance = face.mean() / 255, face.var() / 255**2
    low, high = (face <= LOW).mean(), (face >= HIGH).mean()
    return {
        "LuminanceMean": component(100 * sigmoid(mean, 0.2, 0.05) * (1 - sigmoid(mean, 0.8, 0.05))),
        "LuminanceVariance": component(100 * np.sin(60 * variance / (60 * variance + 1) * np.pi)),
        "UnderExposurePrevention": component(120 * (0.832 - sigmoid(low, 0.92, 0.05))),
        "OverExposurePrevention": component(1 / (high + 0.01)),
        "DynamicRange": component(12.5 * _entropy(face)),
        "IlluminationUniformity": component(100 * _overlap_of_halves(face) ** 0.3),
    }


def middle(levels: Floats) -> Floats:
    """Return the middle of an image, of the share `FACE` of its height and width."""
    top, left = (round(length * (1 - FACE) / 2) for length in levels.shape[:2])
    return levels[top : levels.shape[0] - top, left : levels.shape[1] - left]


def _histogram(levels: Floats) -> npt.NDArray[np.float64]:
    return np.bincount(levels.astype(np.uint8).ravel(), minlength=256) / levels.size


def _entropy(levels: Floats) -> float:
    """Return the entropy of the histogram, in bits, 0..8."""
    shares = _histogram(levels)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _overlap_of_halves(levels: Floats) -> float:
    """Return how far the histograms of the left and the right half agree, 0..1."""
    half = levels.shape[1] // 2
    return float(np.minimum(_histogram(levels[:, :half]), _histogram(levels[:, -half:])).sum())
