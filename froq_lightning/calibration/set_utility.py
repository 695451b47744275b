"""The set utility with its confidence interval, and a verdict on what it is worth."""

import math
from dataclasses import dataclass
from typing import Literal

# From worst to best.
Verdict = Literal["none", "uncertain", "weak", "good"]
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
        rho: Spearman's rho between scores and pseudo-quality, -1..1, higher is better; None if it is not defined.
        images: that it is taken over.
        groups: how many groups of images the folds kept together, such as subjects; None if images were split singly.
        interval: 95 % confidence interval; if none is given, `fisher_interval`.
    """

    rho: float | None
    images: int
    groups: int | None = None
    interval: tuple[float, float] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if not self.interval:
            object.__setattr__(self, "interval", fisher_interval(self.rho, self.images))

    @property
    def verdict(self) -> Verdict:
        """Say what it is worth.

        `none`: it is 0 or less, or may be 0 and is below 0.3 anyhow. `uncertain`: the interval includes 0, or it is not
        defined. `weak`: it is below 0.3. Else `good`.
        """
        low, high = self.interval
        if self.rho is None:
            return "uncertain"
        if self.rho <= 0 or (low <= 0 and high < WEAK):
            return "none"
        if low <= 0:
            return "uncertain"
        return "weak" if self.rho < WEAK else "good"

    def __str__(self) -> str:
        low, high = self.interval
        rho = "not defined" if self.rho is None else f"{self.rho:.3f}"
        groups = "" if self.groups is None else f" in {self.groups} groups"
        return f"{rho} (95 % confidence interval {low:.2f} to {high:.2f}, {self.images} images{groups})"


def fisher_interval(rho: float | None, images: int) -> tuple[float, float]:
    """Fisher's z with the standard error of Bonett and Wright (2000): 95 % interval of rho over independent images."""
    if rho is None or images < 4:
        return -1.0, 1.0
    if abs(rho) >= 1:
        return rho, rho
    half = NORMAL_95 * math.sqrt((1 + rho**2 / 2) / (images - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def by_chance(images: int) -> float:
    """Size of Spearman's rho that a layer unrelated to quality stays within in 95 of 100 cases."""
    return math.tanh(NORMAL_95 / math.sqrt(images - 3))
