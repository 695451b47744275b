"""The scale of quality components: 0..100, higher is better, and -1 where one cannot be computed (ISO/IEC 29794-5)."""

import math

import numpy as np

# ISO/IEC 29794-1 writes 255 in a binary record; OFIQ, and this tool, write -1 in a table.
FAILURE = -1


def sigmoid(value: float, middle: float, width: float) -> float:
    """Map a native value to 0..1, 0.5 in the middle: S(x, x0, w) of ISO/IEC 29794-5."""
    return 1 / (1 + math.exp(min(700.0, (middle - value) / width)))


def component(value: float) -> int:
    """Round to a whole number within 0..100; a value that is not finite is a failure."""
    return int(np.clip(round(value), 0, 100)) if math.isfinite(value) else FAILURE
