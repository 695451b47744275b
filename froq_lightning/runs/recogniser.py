"""One network in an evaluation: the embeddings and qualities that it gives the images of comparison sets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import Observer
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.extensions import BACKBONES, find
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.scoring import MethodScorer, ScoringCosts
from froq_lightning.metrics.comparison_table import ComparisonTable, Enrolment
from froq_lightning.observation.independence import require_independent_embedding
from froq_lightning.runs.processes import gathered, process_number
from froq_lightning.runs.quality_batch import NOT_FINITE


@dataclass(frozen=True)
class FurtherBackbone:
    """A further network of an evaluation.

    Args:
        backbone: registered name.
        backbone_options: passed to the backbone's factory, such as `weights`.
        observer: Observer file; without one, the Observer that ships with the backbone.
        name: in tables; by default that of the backbone.
    """

    backbone: str
    backbone_options: dict[str, Any] | None = None
    observer: str | None = None
    name: str | None = None

    @property
    def label(self) -> str:
        """Name in tables."""
        return self.name or self.backbone

    def scorer(self, *, compiled: bool) -> MethodScorer:
        """Build the network, with its Observer as the one method.

        Raises:
            ConfigurationError: if no Observer is given, and none ships with the backbone.
            ObserverError: if it is damaged, or was made for another network.
        """
        options, plugin = self.backbone_options or {}, find(BACKBONES, self.backbone)
        backbone = create_backbone(self.backbone, **options)
        path = self.observer or backbone.observer
        if path is None:
            raise ConfigurationError(f"Expected an `observer` for {self.label}, since {self.backbone!r} ships none")
        observer = Observer.load(path)
        identity = BackboneIdentity.of(backbone, self.backbone, options, plugin.distribution, plugin.version)
        observer.require(backbone, identity)
        return MethodScorer(backbone, {f"froq of {self.label}": FroqQuality(observer, compiled)})


@dataclass(frozen=True)
class Recognised:
    """What a network gave the images of a data set, on all processes together.

    Args:
        embeddings: `[U, D]` of what is compared, images or templates; NaN where there is none.
        qualities: `[N]` of the images by method, higher is better; NaN where there is none.
        left_out: positions of images that gave no embedding, with reasons.
    """

    embeddings: npt.NDArray[np.float32]
    qualities: dict[str, Floats]
    left_out: dict[int, str]


class Recogniser:
    """Gathers what a network gives the images of comparison sets.

    Args:
        name: that its errors go by.
        scorer: methods, on the network.
        sets: that are compared.
        device: that holds the tables.

    Raises:
        BackboneError: if the embedding of an image depends on the other images of its batch.
    """

    def __init__(self, name: str, scorer: MethodScorer, sets: Sequence[ComparisonSet], device: torch.device) -> None:
        self.name = name
        self.scorer = scorer
        require_independent_embedding(scorer.backbone)
        dimension, count = _dimension(scorer.backbone, device), len(scorer.methods)
        self._tables = [ComparisonTable(enrolment_of(each), dimension, count).to(device) for each in sets]
        self._left_out: list[dict[int, str]] = [{} for _ in sets]

    def add(self, batch: FaceBatch, number: int) -> None:
        """Embed the images of a batch of the set of that number, and score them by every method."""
        self._leave_out(number, {sample.index: sample.note for sample in batch.failures})
        if len(batch.images):
            scores = self.scorer.score(batch.images)
            finite = scores.embeddings.isfinite().all(dim=1)
            self._leave_out(number, dict.fromkeys(batch.sample_index[~finite].tolist(), NOT_FINITE))
            self._tables[number].update(batch.sample_index[finite], scores.embeddings[finite], scores.qualities[finite])

    def _leave_out(self, number: int, reasons: dict[int, str]) -> None:
        table = self._tables[number]
        self._left_out[number] |= reasons
        table.update_missing(torch.tensor(list(reasons), dtype=torch.int64, device=table.device))

    def gather(self) -> tuple[list[Recognised], ScoringCosts]:
        """Return what there is of every set, and the costs in the first process that had an image to score."""
        tables = [table.compute() for table in self._tables]
        left_out = [gathered(part) for part in self._left_out]
        own = self.scorer.costs()
        costs_of_all = sorted(gathered({process_number(): own}).items())
        costs = next((costs for _, costs in costs_of_all if math.isfinite(costs.pass_milliseconds)), own)
        given = []
        for (embeddings, columns), missing in zip(tables, left_out, strict=True):
            named = zip(self.scorer.methods, columns.T, strict=True)
            qualities = {name: values for name, values in named if name not in costs.refusals}
            given.append(Recognised(embeddings, qualities, missing))
        return given, costs


def enrolment_of(data_set: ComparisonSet) -> Enrolment:
    """Say how the images of a set form what is compared."""
    if data_set.templates is None:
        return Enrolment.of_images(len(data_set.images))
    return Enrolment.of_templates(data_set.templates.template, data_set.templates.media)


def require_same_crops(backbone: Backbone, other: Backbone, name: str) -> None:
    """Refuse a further network that takes other crops than the first.

    Raises:
        ConfigurationError: saying in what they differ.
    """
    for what in ("size", "alignment"):
        first, second = getattr(backbone.preprocessing, what), getattr(other.preprocessing, what)
        if first != second:
            raise ConfigurationError(
                f"Expected networks that take the same crops, but {name} takes {what} {second}, the first one {first}; "
                "evaluate it in a run of its own, with the scores of the other as data.scores"
            )


def further_scorers(
    backbones: Sequence[FurtherBackbone], device: torch.device, *, channels_last: bool, compiled: bool
) -> dict[str, MethodScorer]:
    """Build further networks by their names, on a device and laid out as the first one is.

    Raises:
        ConfigurationError: if two have one name; see `FurtherBackbone.scorer`.
    """
    labels = [each.label for each in backbones]
    if repeated := [label for label in labels if labels.count(label) > 1]:
        raise ConfigurationError(f"Expected networks of different names, but got {repeated[0]} twice; set `name`")
    scorers = {each.label: each.scorer(compiled=compiled) for each in backbones}
    for scorer in scorers.values():
        scorer.backbone.network.to(device)
        set_memory_format(scorer.backbone, device, None if channels_last else False)
    return scorers


@torch.no_grad()
def _dimension(backbone: Backbone, device: torch.device) -> int:
    """Number of components of an embedding."""
    black = torch.zeros((1, 3, *backbone.preprocessing.size), device=device)
    return backbone.embed(backbone.run(backbone.inputs(black))).shape[1]
