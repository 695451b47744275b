"""The Observer: which layers of which network to read, and what their scores mean. A small JSON file."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.backbones.spec import Backbone
from froq_lightning.bounded_io import read_json
from froq_lightning.calibration.aggregation import Aggregation, aggregate
from froq_lightning.calibration.backbone_identity import BackboneIdentity, difference
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.json_dataclasses import decode
from froq_lightning.calibration.precision import Precision
from froq_lightning.calibration.selection import MINIMUM_IMAGES, LayerUtility, Selection, Step
from froq_lightning.calibration.set_utility import SetUtility
from froq_lightning.downloads import fetch, is_remote
from froq_lightning.errors import DataNotFoundError, ObserverError

FILE_NAME = "observer.json"  # in a repository of the hub
SCHEMA_VERSION = 3
OBSERVER = signature(rb'\{\n "schema_version": \d+,\n "backbone": \{\n')  # how a file of any version begins


@dataclass(frozen=True)
class ObservedLayer:
    """A selected layer: its layer utility, the mean and standard deviation of its calibration norms, and its weight."""

    name: str
    utility: float
    mean: float
    std: float
    weight: float

    def __post_init__(self) -> None:
        if self.std <= 0 or self.mean < 0:
            raise ObserverError("Expected layers with a positive std and a mean of 0 or more")
        if not 0 < abs(self.weight) < math.inf:
            raise ObserverError("Expected layers with a weight that is finite and not 0")


@dataclass(frozen=True)
class CalibrationSet:
    """The images that the layers were chosen on: how many were used and left out, and how they were labelled."""

    images: int
    left_out: int
    labels: dict[str, Any]
    degradations: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.images < MINIMUM_IMAGES or self.left_out < 0:
            raise ObserverError(f"Expected {MINIMUM_IMAGES} calibration images or more, but got {self.images}")

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
        precision: of the passes that it was calibrated with; it stands in the file if it is another than "32-true".
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
    precision: Precision = "32-true"

    def __post_init__(self) -> None:
        if len(self.quantiles) != 101 or list(self.quantiles) != sorted(self.quantiles):
            raise ObserverError(f"Expected 101 ascending quantiles, but got {len(self.quantiles)}")
        if "weights" in self.backbone.options:  # a stranger's file names nothing that is to be loaded
            raise ObserverError("Expected no `weights` among the options of the backbone")
        if problem := next(_contradictions(self), ""):
            raise ObserverError(problem)

    @classmethod
    def from_selection(
        cls,
        selection: Selection,
        backbone: BackboneIdentity,
        preset: str,
        images: CalibrationSet,
        budget: Budget = Budget(),  # noqa: B008 - immutable
        precision: Precision = "32-true",
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
            precision=precision,
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an Observer file, or one of the hub: `hf://owner/name`.

        Raises:
            DownloadError: if it cannot be fetched.
            DataNotFoundError: if there is none.
            ObserverError: if it is damaged, incomplete or of another schema version.
        """
        path = fetch(str(path), (FILE_NAME,)) if is_remote(path) else Path(path)
        if not path.is_file():
            raise DataNotFoundError(f"observer file {str(path)!r} does not exist")
        try:
            return decode(cls, _upgraded(read_json(path)))
        except ValueError as error:
            raise ObserverError(f"{path.name} is no Observer: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the file: it appears whole or not at all."""
        with atomic_write(Path(path), OBSERVER) as place:
            place.write_bytes(self._content())

    def sha256(self) -> str:
        """Return the hash of the file that `save` writes."""
        return hashlib.sha256(self._content()).hexdigest()

    def _content(self) -> bytes:
        content = asdict(self)
        if self.precision == "32-true":  # as files were before precision was noted, whose hashes stand in journals
            del content["precision"]
        return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()

    def require(self, backbone: Backbone, identity: BackboneIdentity) -> None:
        """Check that this Observer was made for that backbone.

        Raises:
            ObserverError: saying what differs.
        """
        if self.backbone.name != identity.name:
            raise ObserverError(f"the observer was made for backbone {self.backbone.name!r}, not for {identity.name!r}")
        differing = self.backbone.differences(identity)
        layers = sorted(candidate.name for candidate in self.candidates), sorted(backbone.candidate_layers)
        if layers[0] != layers[1]:
            differing.append(f"candidate layers {difference(*layers)}")
        if differing and self.backbone.weights.is_as_built:
            differing.append(
                "it was calibrated without weights; calibrate again with a file as backbone_options.weights"
            )
        elif differing and identity.weights.is_as_built:
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

    _quantiles = cached_property(lambda self: torch.tensor(self.quantiles, dtype=torch.float64))

    @property
    def agreement(self) -> SetUtility:
        """How well its scores rank images as their labels do: on images it has not seen, if that is known."""
        return self.cross_validated or SetUtility(self.set_utility, self.calibration_set.images)

    def quality(self, scores: Tensor) -> Tensor:
        """Bring raw scores to 0..100, `[B]` int64: the percentage of the calibration set that scored lower.

        -1 for a score that is NaN or infinite.
        """
        quality = (torch.searchsorted(self._quantiles.to(scores.device), scores.double()) - 1).clamp(0, 100)
        return quality.where(scores.isfinite(), -1)


def _upgraded(content: Any) -> Any:
    """Add to the JSON of an older schema version what the present one has; scores stay the same."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise ObserverError(f"Expected schema_version 1, 2 or {SCHEMA_VERSION}, but got {version!r}")
    upgraded = {"precision": "32-true", **content, "schema_version": SCHEMA_VERSION}
    if version < 2:
        upgraded.setdefault("budget", asdict(Budget()))
    if version < 3:
        upgraded.setdefault("cross_validated", None)
        if isinstance(layers := upgraded.get("layers"), list):
            upgraded["layers"] = [{"weight": 1.0, **layer} if isinstance(layer, dict) else layer for layer in layers]
    return upgraded


def _contradictions(observer: Observer) -> Iterator[str]:
    """Yield why the layers and utilities cannot be those of a calibration."""
    candidates = {candidate.name: candidate.utility for candidate in observer.candidates}
    layers, steps = [layer.name for layer in observer.layers], [step.layer for step in observer.trajectory]
    if not layers:
        yield "Expected at least one layer"
    if observer.aggregation == "mean_norm" and any(layer.weight != 1 for layer in observer.layers):
        yield "Expected weights of 1, since `aggregation` 'mean_norm' has no others"
    for names in ([candidate.name for candidate in observer.candidates], steps, layers):
        if len(set(names)) < len(names):
            yield f"Expected every layer once, but got {max(names, key=names.count)!r} twice"
        if unknown := [name for name in names if name not in candidates]:
            yield f"Expected layers among the candidates, but got {unknown[0]!r}"
    if any(layer.utility != candidates[layer.name] for layer in observer.layers):
        yield "Expected layers with the utilities of their candidates"
    if steps and layers != steps[: len(layers)]:
        yield f"Expected layers to be the first of the trajectory, {steps[: len(layers)]}"
    low, high = observer.agreement.interval
    utilities = [*candidates.values(), observer.set_utility, observer.agreement.rho, low, high]
    utilities += [step.set_utility for step in observer.trajectory]
    if wrong := [rho for rho in utilities if rho is not None and not -1 <= rho <= 1]:
        yield f"Expected utilities in -1..1, but got {wrong[0]}"
    if low > high:
        yield f"Expected an ascending interval in `cross_validated`, but got {low} to {high}"
