"""Conventions of the error-versus-discard curve. Areas under different conventions cannot be compared."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from froq_lightning.errors import ConfigurationError, UnknownNameError


@dataclass(frozen=True)
class Convention:
    """The choices behind a metric.

    Args:
        name: in tables and files.
        measure: `edc` for the area under the error-versus-discard curve (lower is better), `rce` for the rank
            consistency of images (higher is better), to which only `gamma` applies.
        discard: whether the fraction counts `mated` trials, or `all` trials, mated and non-mated together.
        threshold: `fixed` on the full set, the lowest whose FMR does not exceed the wanted one; or `recomputed` on
            the retained trials at each step, with the FMR nearest to the wanted one.
        ties: pairs of equal quality are dropped `together`, in their `order`, or one by one with the FNMR `expected`
            of a random order.
        limit: discarded fraction at which the area ends.
        step: of the grid of fractions; 0 for exact steps at every trial.
        area: `mean` of the curve's points, `trapezoid` rule, or exact area under the `step` function.
        normalise: `none`, divided by the FNMR at the `start`, or minus the area of the theoretical `best` quality.
        gamma: exponent of the weights of `rce`: 0 for all images alike, 3 for those that do most harm.
    """

    name: str
    measure: Literal["edc", "rce"] = "edc"
    discard: Literal["mated", "all"] = "mated"
    threshold: Literal["fixed", "recomputed"] = "fixed"
    ties: Literal["expected", "order", "together"] = "expected"
    limit: float = 0.3
    step: float = 0.01
    area: Literal["mean", "trapezoid", "step"] = "mean"
    normalise: Literal["none", "start", "best"] = "none"
    gamma: float = 3.0

    def __post_init__(self) -> None:
        for knob in fields(self):
            choices, value = get_args(knob.type), getattr(self, knob.name)
            if choices and value not in choices:
                raise ConfigurationError(f"Expected `{knob.name}` to be one of {choices}, but got {value!r}")
        if not 0 < self.limit < 1 or not 0 <= self.step <= self.limit or not 0 <= self.gamma < math.inf:
            raise ConfigurationError(
                f"Expected 0 < limit < 1, 0 <= step <= limit and gamma >= 0, but got {self.limit}, {self.step} and "
                f"{self.gamma}"
            )
        steps = self.limit / (self.step or self.limit)
        if abs(steps - round(steps)) > 1e-9:
            raise ConfigurationError(
                f"Expected `limit` to be whole steps, but got {self.limit} in steps of {self.step}"
            )
        if self.area == "step" and (self.step or self.threshold == "recomputed" or self.ties == "order"):
            raise ConfigurationError(
                "Expected `area: step` with exact steps (`step: 0`), a fixed threshold and no order"
            )
        if self.area != "step" and not self.step:
            raise ConfigurationError("Expected a `step` above 0 unless `area` is step")
        if self.threshold == "recomputed" and self.ties != "order":
            raise ConfigurationError("Expected `ties: order` where the threshold is recomputed")
        if self.discard == "all" and self.threshold == "fixed":
            raise ConfigurationError("Expected `discard: mated` with a fixed threshold: non-mated trials do not matter")
        if self.normalise == "best" and self.threshold == "recomputed":
            raise ConfigurationError("Expected a fixed threshold where the best quality is subtracted")

    @property
    def higher_is_better(self) -> bool:
        """The direction of the metric."""
        return self.measure == "rce"

    def describe(self) -> str:
        """State the convention in a line."""
        if self.measure == "rce":
            return (
                f"rank consistency of images, gamma {self.gamma:g}, fixed threshold; in -1..1, higher is better, a "
                f"random quality has about {_random_rce(self.gamma):.2f}"
            )
        unit = "mated trials" if self.discard == "mated" else "mated and non-mated trials together"
        ties = {"expected": "expected over ties", "order": "ties in order", "together": "ties together"}[self.ties]
        grid = f"0..{self.limit:g} in steps of {self.step:g}" if self.step else f"0..{self.limit:g}, exact"
        ending = {"none": "", "start": ", divided by the FNMR at 0", "best": ", minus the theoretical best"}
        return (
            f"area under FNMR over the discarded share of {unit} (least of two qualities first, {ties}), {self.area}, "
            f"{grid}{ending[self.normalise]}; {self.threshold} threshold; lower is better"
        )


def _random_rce(gamma: float) -> float:
    """Rank consistency that a random quality is expected to have: not 0 where the weights are uneven."""
    mean, mean_square = (gamma + 1) / (gamma + 2), (gamma + 1) / (gamma + 3)
    return 1 - 6 * (mean_square - mean + 1 / 3)


PRESETS = {
    "froq": Convention("froq", normalise="start"),
    "cr-fiqa": Convention(
        "cr-fiqa", discard="all", threshold="recomputed", ties="order", limit=0.95, step=0.05, area="trapezoid"
    ),
    "iso": Convention("iso", ties="together", step=0.0, area="step"),
    "rce": Convention("rce", measure="rce"),
}


def create_convention(spec: str | Mapping[str, Any]) -> Convention:
    """Build a convention from a preset's name, or from a mapping `{preset: name, knob: value, …}`.

    Raises:
        UnknownNameError: for an unknown preset or knob.
        ConfigurationError: for a value that is none, or knobs that do not go together.
    """
    options = {"preset": spec} if isinstance(spec, str) else dict(spec)
    preset = options.pop("preset", "froq")
    if not isinstance(preset, str) or preset not in PRESETS:
        raise UnknownNameError.among("convention", str(preset), PRESETS)
    knobs = [field.name for field in fields(Convention)]
    for knob in options:
        if knob not in knobs:
            raise UnknownNameError.among("knob of a convention", knob, knobs)
    measure = options.get("measure", PRESETS[preset].measure)
    for knob in options:
        if knob not in ("name", "measure") and (knob == "gamma") != (measure == "rce"):
            raise ConfigurationError(f"Expected a knob that counts for measure {measure}, but got {knob}")
    if options and "name" not in options:
        options["name"] = f"{preset} ({', '.join(f'{knob}={value}' for knob, value in options.items())})"
    try:
        return replace(PRESETS[preset], **options)
    except TypeError as error:
        raise ConfigurationError(f"convention {spec!r} has a value of a wrong type: {error}") from error
