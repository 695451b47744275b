"""The Observer: which layers of which network to read, and what their scores mean. A small JSON file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.bounded_io import read_json
from froq_lightning.calibration.aggregation import AGGREGATIONS, Aggregation, aggregate
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.consistency import contradictions
from froq_lightning.calibration.decoding import decode
from froq_lightning.calibration.migration import SCHEMA_VERSION, brought_up_to_date
from froq_lightning.calibration.selection import LayerUtility, Selection, Step
from froq_lightning.calibration.set_utility import SetUtility
from froq_lightning.errors import DataNotFoundError, ObserverError

# Of every version.
OBSERVER = signature(rb'\{\n "schema_version": \d+,\n "backbone": \{\n')


@dataclass(frozen=True)
class BackboneIdentity:
    """The network that an Observer reads: what was asked for, and what came of it.

    Args:
        name: under which it is registered.
        options: that it was built with, but for the place of its weights.
        distribution: that registered it.
        version: of the distribution.
        weights: source, SHA-256 and licence.
        preprocessing: how it is fed.
    """

    name: str
    options: dict[str, Any]
    distribution: str
    version: str
    weights: WeightsInfo
    preprocessing: Preprocessing

    @classmethod
    def of(cls, backbone: Backbone, name: str, options: Mapping[str, Any], distribution: str, version: str) -> Self:
        """Describe a backbone that was built under a name with options."""
        kept = {key: value for key, value in sorted(options.items()) if key != "weights"}
        plain = json.loads(json.dumps(kept))  # tuples become the lists that the file will hold
        return cls(name, plain, distribution, version, backbone.weights, backbone.preprocessing)

    def title(self) -> str:
        """Name the network in a headline: its name, and the options that it was built with."""
        options = ", ".join(f"{option}={value}" for option, value in self.options.items())
        return f"{self.name} ({options})" if options else self.name


@dataclass(frozen=True)
class ObservedLayer:
    """A selected layer: its layer utility, the mean and standard deviation of its calibration norms, and its weight."""

    name: str
    utility: float
    mean: float
    std: float
    weight: float


@dataclass(frozen=True)
class CalibrationSet:
    """The images that the layers were chosen on: how many were used and left out, and how they were labelled."""

    images: int
    left_out: int
    labels: dict[str, Any]
    degradations: dict[str, Any] | None = None

    @property
    def photographs(self) -> int:
        """About how many there are without degraded copies."""
        copies = (self.degradations or {}).get("copies") or 0
        return round(self.images / (copies + 1))


@dataclass(frozen=True)
class Observer:
    """The artefact of a calibration. Scores are higher for better images.

    Args:
        schema_version: of this layout.
        backbone: the network it was made for, and works with.
        preset: rule of selection.
        budget: limits to the cost of the selected layers.
        aggregation: how the norms of the selected layers become a score.
        layers: the selected layers, in the order in which they were chosen.
        set_utility: Spearman's rho between scores and pseudo-quality over the calibration set.
        cross_validated: set utility to be expected on images that the layers were not chosen on; None if it is not
            known, as of layouts 1 and 2.
        trajectory: of the greedy search, whose first layers are the selected ones; empty if there was none.
        candidates: every candidate layer, in execution order.
        calibration_set: the images and their labels.
        quantiles: 101 quantiles, 0 % to 100 %, of the scores of the calibration set.
    """

    schema_version: int
    backbone: BackboneIdentity
    preset: str
    budget: Budget
    aggregation: Aggregation
    layers: tuple[ObservedLayer, ...]
    set_utility: float
    cross_validated: SetUtility | None
    trajectory: tuple[Step, ...]
    candidates: tuple[LayerUtility, ...]
    calibration_set: CalibrationSet
    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise ObserverError(f"Expected schema_version {SCHEMA_VERSION}, but got {self.schema_version}")
        if self.aggregation not in AGGREGATIONS:
            raise ObserverError(f"Expected `aggregation` to be one of {AGGREGATIONS}, but got {self.aggregation!r}")
        if told := next(contradictions(self), ""):
            raise ObserverError(told)

    @classmethod
    def from_selection(
        cls,
        selection: Selection,
        backbone: BackboneIdentity,
        preset: str,
        images: CalibrationSet,
        budget: Budget = Budget(),  # noqa: B008 - immutable
    ) -> Self:
        """Turn the outcome of a selection into the artefact."""
        utilities = {candidate.name: candidate.utility for candidate in selection.candidates}
        moments = (each.tolist() for each in (selection.means, selection.stds, selection.weights))
        return cls(
            schema_version=SCHEMA_VERSION,
            backbone=backbone,
            preset=preset,
            budget=budget,
            aggregation=selection.aggregation,
            layers=tuple(
                ObservedLayer(name, utilities[name] or 0.0, mean, std, weight)
                for name, mean, std, weight in zip(selection.layers, *moments, strict=True)
            ),
            set_utility=selection.in_sample,
            cross_validated=selection.cross_validated,
            trajectory=selection.trajectory,
            candidates=selection.candidates,
            calibration_set=images,
            quantiles=tuple(np.quantile(selection.scores.numpy(), np.linspace(0, 1, 101)).tolist()),
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an Observer file.

        Raises:
            DataNotFoundError: if there is none.
            ObserverError: if it is damaged, incomplete or of another schema version.
        """
        path = Path(path)
        if not path.is_file():
            raise DataNotFoundError(f"observer file {str(path)!r} does not exist")
        try:
            return decode(cls, brought_up_to_date(read_json(path)))
        except ValueError as error:
            raise ObserverError(f"{path.name} is no Observer: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the file: it appears whole or not at all."""
        with atomic_write(Path(path), OBSERVER) as place:
            place.write_text(self._text(), encoding="utf-8")

    def sha256(self) -> str:
        """Return the hash of the file that `save` writes."""
        return hashlib.sha256(self._text().encode("utf-8")).hexdigest()

    def _text(self) -> str:
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"

    def require(self, backbone: Backbone, identity: BackboneIdentity) -> None:
        """Check that this Observer was made for that backbone.

        Raises:
            ObserverError: saying what differs.
        """
        made, here = self.backbone, identity
        if made.name != here.name:
            raise ObserverError(f"the observer was made for backbone {made.name!r}, not for {here.name!r}")
        compared = {
            "options": (made.options, here.options),
            "weights": (f"sha256 {made.weights.sha256[:12]}", f"sha256 {here.weights.sha256[:12]}"),
            "preprocessing": (asdict(made.preprocessing), asdict(here.preprocessing)),
            "candidate layers": (sorted(c.name for c in self.candidates), sorted(backbone.candidate_layers)),
        }
        differing = [f"{what} {_difference(*pair)}" for what, pair in compared.items() if pair[0] != pair[1]]
        if differing and made.weights.is_as_built:
            differing.append(
                "it was calibrated without weights; calibrate again with a file as backbone_options.weights"
            )
        elif differing and here.weights.is_as_built:
            differing.append("no weights were given here; give a file as backbone_options.weights")
        if differing:
            raise ObserverError(f"the observer was made for another network: {'; '.join(differing)}")

    def scores(self, norms: Tensor) -> Tensor:
        """Score images by the norms of the selected layers: `[B, K]` to `[B]` float64, higher is better."""
        return aggregate(norms, self.aggregation, *self._moments)

    @cached_property
    def _moments(self) -> tuple[Tensor, ...]:
        """Means, standard deviations and weights of the layers, `[K]` float64 each."""
        moments = [(layer.mean, layer.std, layer.weight) for layer in self.layers]
        return torch.tensor(moments, dtype=torch.float64).unbind(dim=1)

    @property
    def agreement(self) -> SetUtility:
        """How well its scores rank images as their labels do: on images it has not seen, if that is known."""
        return self.cross_validated or SetUtility(self.set_utility, self.calibration_set.images)

    def quality(self, scores: Tensor) -> Tensor:
        """Bring raw scores to 0..100, `[B]` int64: the percentage of the calibration set that scored lower.

        -1 for a score that is NaN or infinite.
        """
        quantiles = torch.tensor(self.quantiles, dtype=torch.float64, device=scores.device)
        quality = (torch.searchsorted(quantiles, scores.double()) - 1).clamp(0, 100)
        return quality.where(scores.isfinite(), -1)


def _difference(made: object, here: object) -> str:
    if isinstance(made, dict) and isinstance(here, dict):
        keys = [key for key in {**made, **here} if made.get(key) != here.get(key)]
        return ", ".join(f"{key} {made.get(key)!r} there, {here.get(key)!r} here" for key in keys)
    if isinstance(made, list) and isinstance(here, list):
        only_there, only_here = sorted(set(made) - set(here)), sorted(set(here) - set(made))
        return f"{only_there[:3]} only there, {only_here[:3]} only here"
    return f"{made} there, {here} here"
