"""How well a set of layers ranks images, how sure that is, and whether it is worth anything."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["none", "uncertain", "weak", "good"]
# From worst to best.
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
# Below this a Spearman's rho is commonly called weak: less than a tenth of the variance of the ranks is shared.
WEAK = 0.3
# Fewer calibration images than this leave a rho, and the scale 0 to 100, coarse.
FEW_IMAGES = 100
# Two-sided 95 % quantile of the normal distribution.
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class SetUtility:
    """A set utility with its uncertainty.

    Args:
        rho: Spearman's rho between scores and pseudo-quality, -1..1, higher is better; NaN if it is not defined.
        images: that it is taken over.
    """

    rho: float
    images: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval: Fisher's z with the standard error of Bonett and Wright (2000)."""
        if math.isnan(self.rho) or self.images < 4:
            return -1.0, 1.0
        if abs(self.rho) >= 1:
            return self.rho, self.rho
        half = NORMAL_95 * math.sqrt((1 + self.rho**2 / 2) / (self.images - 3))
        return math.tanh(math.atanh(self.rho) - half), math.tanh(math.atanh(self.rho) + half)

    @property
    def verdict(self) -> Verdict:
        """Say what it is worth.

        `none`: it is 0 or less, or may be 0 and is below 0.3 anyhow. `uncertain`: the interval includes 0. `weak`: it
        is below 0.3. Else `good`.
        """
        low, high = self.interval
        if self.rho <= 0 or (low <= 0 and high < WEAK):
            return "none"
        if low <= 0:
            return "uncertain"
        return "weak" if self.rho < WEAK else "good"

    def __str__(self) -> str:
        low, high = self.interval
        rho = "not defined" if math.isnan(self.rho) else f"{self.rho:.3f}"
        return f"{rho} (95 % confidence interval {low:.2f} to {high:.2f}, {self.images} images)"


def worse(one: Verdict, other: Verdict) -> Verdict:
    """Return the worse of two verdicts."""
    return min(one, other, key=VERDICTS.index)


def by_chance(images: int) -> float:
    """Size of Spearman's rho that a layer unrelated to quality stays within in 95 of 100 cases."""
    return math.tanh(NORMAL_95 / math.sqrt(images - 3))
