"""Fits the components of degradations: a logistic regression for each, on some of the measurements."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from defect_images import Example
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]

# The kind of each component, and the severity in `faces_degraded/` from which on an image counts as so degraded.
# Images that are degraded less in this way take no part.
COMPONENTS = {
    "BlurPrevention": ("blur", 0.35),
    "ResolutionLossPrevention": ("resolution", 0.5),
    "NoisePrevention": ("noise", 0.3),
    "CompressionPrevention": ("jpeg", 0.5),
    "DarknessPrevention": ("dark", 0.5),
    "GlarePrevention": ("bright", 0.35),
    "FlatOcclusionPrevention": ("occlusion", 0.3),
}
# Measurements that each component may use; strength of the L2 penalty; weight of clean images, and of degraded ones.
MOST, PENALTY, CLEAN, DEGRADED = 14, 1.0, 4.0, 4.0


def fit(examples: Sequence[Example]) -> dict[str, dict[str, float]]:
    """Return, for every component, weights of measurements as they are, and the constant "".

    Args:
        examples: those held out take no part.
    """
    used = [each for each in examples if each.is_for_fitting and each.group != "texture" and each.kinds != ("mixed",)]
    names = list(used[0].measurements)
    table = np.array([[each.measurements[name] for name in names] for each in used])
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-9
    found = {}
    for component, (kind, severity) in COMPONENTS.items():
        is_so = np.array([kind in each.kinds for each in used])
        # What came before another degradation may be hidden by it.
        hidden = np.array([kind in each.kinds[:-1] for each in used])
        taken = ~hidden & (~is_so | np.array([each.severity > severity for each in used]))
        clean = np.array([not each.kinds for each in used])
        importance = np.where(clean, CLEAN, np.where(is_so, DEGRADED, 1.0))
        columns, weights, constant = _pruned((table - mean)[taken] / spread, is_so[taken], importance[taken])
        slopes = weights / spread[columns]
        constant -= float(slopes @ mean[columns])
        found[component] = {"": constant, **dict(zip([names[each] for each in columns], slopes.tolist(), strict=True))}
    return found


def _pruned(inputs: Floats, labels: npt.NDArray[np.bool_], importance: Floats) -> tuple[list[int], Floats, float]:
    """Leave out, again and again, a third of what is too much: the measurements with the smallest weights."""
    columns = list(range(inputs.shape[1]))
    while True:
        weights, constant = _regression(inputs[:, columns], labels, importance)
        surplus = len(columns) - MOST
        if surplus <= 0:
            return columns, weights, constant
        smallest = np.argsort(np.abs(weights))[: -(-surplus // 3)]
        columns = [column for place, column in enumerate(columns) if place not in smallest]


def _regression(inputs: Floats, labels: npt.NDArray[np.bool_], importance: Floats) -> tuple[Floats, float]:
    targets = labels.astype(np.float64)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        odds = inputs @ parameters[:-1] + parameters[-1]
        error = importance * (1 / (1 + np.exp(-np.clip(odds, -500, 500))) - targets)
        value = (importance * (np.logaddexp(0, odds) - targets * odds)).sum() + PENALTY * (parameters[:-1] ** 2).sum()
        return float(value), np.append(inputs.T @ error + 2 * PENALTY * parameters[:-1], error.sum())

    start = np.zeros(inputs.shape[1] + 1)
    solution = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 3000}).x
    return solution[:-1], float(solution[-1])
